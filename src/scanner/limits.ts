/** What one read brings at most. */
export const CHUNK_BYTES = 256 * 1024

/** A line of more bytes than this goes the long way, unless it comes in one piece. */
export const LONGEST_LINE_BYTES = 64 * 1024
