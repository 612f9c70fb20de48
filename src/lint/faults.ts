import type { Document, TextFault } from './document.ts'
import { createFinding, type Finding, type Subject } from './finding.ts'
import { duplicateJsonKey, invalidJson, jsonComment } from './rules/json-text.ts'
import type { KnownRule } from './rules.ts'

/** What is wrong with the text of a document, as findings. */
export function tellFaults({ faults, positionOf }: Document, subject: Subject): Finding[] {
  return faults.map(({ kind, offset, message, hint }) =>
    createFinding(RULES[kind], subject, { path: '', position: positionOf(offset), message, hint }),
  )
}

const RULES: { readonly [kind in TextFault['kind']]: KnownRule } = {
  syntax: invalidJson,
  comment: jsonComment,
  'duplicate-key': duplicateJsonKey,
}
