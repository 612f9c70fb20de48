/**
 * How long the parts of an event set may be, in characters, and how many segments a log key may have. No set that a
 * person has written comes near it. A plugin's set is a stranger's: without limits one key of it could take all memory,
 * and one value of it fill a disk with every log line.
 */
export const LONGEST = {
  /** The names of mappings and of fields. */
  name: 256,
  description: 10_000,
  /** A value to look up, the key of a table, a text that is added to a record. */
  value: 1000,
  glob: 256,
  /** So many segments are looked for in every way in which they can be joined. */
  logKeySegments: 16,
} as const

/** The fields that one value may add to a record. */
export const MOST_METADATA_FIELDS = 50

/** How much a set may have that is not the application's own code: each of these costs a start or a line its time. */
export const MOST_OF_SET = {
  mappings: 500,
  fieldMappings: 500,
  /** In one mapping. */
  ranges: 500,
  /** Of all `when` together: each may be compared with each line. */
  globs: 2000,
  /** Of all different names of fields together, log keys and metadata. */
  segments: 5000,
} as const
