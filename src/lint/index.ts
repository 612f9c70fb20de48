export type { Finding } from './finding.ts'
export type { SourcedSet } from './lint-candidates.ts'
export { lintSetFile } from './lint-file.ts'
export { lintPackage } from './lint-package.ts'
export {
  type LintOptions,
  type LintTextOptions,
  lintEventSet,
  lintEventSetText,
  lintSets,
} from './lint-set.ts'
export { lintTarball } from './lint-tarball.ts'
export type { FindingLevel } from './rule.ts'
export type { FindingCode } from './rules.ts'
