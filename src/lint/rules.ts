import type { NeighbourRule, PackageRule, Rule, SetRule } from './rule.ts'
import * as completeness from './rules/completeness.ts'
import * as defaults from './rules/defaults.ts'
import * as inForce from './rules/in-force.ts'
import * as jsonText from './rules/json-text.ts'
import * as keys from './rules/keys.ts'
import * as links from './rules/links.ts'
import * as logKeys from './rules/log-keys.ts'
import * as manifest from './rules/manifest.ts'
import * as markers from './rules/markers.ts'
import * as metadata from './rules/metadata.ts'
import * as neighbours from './rules/neighbours.ts'
import * as publication from './rules/publication.ts'
import * as ranges from './rules/ranges.ts'
import * as setFiles from './rules/set-files.ts'
import * as shape from './rules/shape.ts'
import * as transformations from './rules/transformations.ts'

/** Every rule, in groups as the documentation has them. */
export const ruleGroups = {
  'The file': { ...jsonText, ...shape },
  'Mappings and links': { ...links, ...completeness },
  Markers: { ...markers },
  'Values and keys': { ...keys, ...ranges, ...defaults, ...transformations },
  Metadata: { ...metadata },
  'Log keys': { ...logKeys },
  'Beside other sets': { ...neighbours },
  'A plugin': { ...manifest, ...setFiles },
  'Publishing a plugin': { ...publication },
  'An application': { ...inForce },
} as const

type Groups = typeof ruleGroups

/** The permanent names of what lint can find. */
export type FindingCode = { [G in keyof Groups]: Groups[G][keyof Groups[G]] }[keyof Groups]['code']

/** One of the rules there are. */
export type KnownRule = Rule<FindingCode>

export const rules: readonly KnownRule[] = Object.values(ruleGroups).flatMap((group): KnownRule[] =>
  Object.values(group),
)

/** What is asked of one set. */
export const setRules: readonly SetRule<FindingCode>[] = [
  ...Object.values(markers),
  ...Object.values(ranges),
  ...Object.values(defaults),
  ...Object.values(transformations),
  ...Object.values(keys),
  ...Object.values(links),
  metadata.metadataWithoutMarker,
  logKeys.unreachableField,
  logKeys.repeatedAlias,
  logKeys.malformedLogKey,
  logKeys.broadLogKey,
  logKeys.impossibleCondition,
  completeness.emptySet,
  completeness.mappingWithoutMarkers,
  completeness.missingDescription,
  completeness.missingSchema,
].filter((rule) => 'check' in rule)

/** What is asked of a set among others. */
export const neighbourRules: readonly NeighbourRule<FindingCode>[] = [
  ...Object.values(neighbours),
  metadata.metadataCollision,
]

/** What is asked of a package. */
export const packageRules: readonly PackageRule<FindingCode>[] = [
  manifest.missingManifest,
  manifest.noSets,
  publication.privatePackage,
  publication.peerRangeMismatch,
]

/** What is asked of a package that is to be published. */
export const publicationRules: readonly PackageRule<FindingCode>[] = [
  manifest.missingKeyword,
  publication.incompletePackage,
  publication.missingPeerRange,
  publication.missingLicense,
  publication.missingLicenseFile,
  publication.missingReadme,
  publication.unfindableName,
]
