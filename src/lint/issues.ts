import { formatIssue, type Issue } from '../core/issue.ts'
import { parsePath } from './path.ts'
import type { Spot } from './rule.ts'
import { duplicateMappingName } from './rules/completeness.ts'
import { keysDifferInCase } from './rules/keys.ts'
import { danglingMapping } from './rules/links.ts'
import { duplicateLogKey } from './rules/log-keys.ts'
import { unreachableRange } from './rules/ranges.ts'
import { overLimit } from './rules/set-files.ts'
import { missingKey, unknownKey, wrongFormat, wrongType } from './rules/shape.ts'
import type { KnownRule } from './rules.ts'

/** The rule that an issue of an event set belongs to. */
export function ruleOfIssue({ code, path }: Issue): KnownRule {
  switch (code) {
    case 'type':
      return wrongType
    case 'missing':
      return missingKey
    case 'unknown_key':
      return unknownKey
    case 'format':
      return wrongFormat
    case 'limit':
      return overLimit
    case 'range_order':
      return unreachableRange
    case 'duplicate_name':
      return duplicateMappingName
    case 'duplicate_key':
      return path.startsWith('fieldMappings') ? duplicateLogKey : keysDifferInCase
    case 'dangling_link':
      return danglingMapping
  }
}

/** Where an issue is; `within` is the path of what was judged in its document. */
export function spotOfIssue(issue: Issue, within: readonly string[] = []): Spot {
  const isAboutKey = issue.code === 'unknown_key' || issue.code === 'range_order'
  return {
    path: [...within, ...parsePath(issue.path)],
    at: isAboutKey ? 'key' : 'value',
    message: formatIssue(issue),
  }
}
