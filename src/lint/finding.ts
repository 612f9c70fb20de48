import { formatPath } from '../core/issue.ts'
import type { Document } from './document.ts'
import type { FindingLevel, Spot } from './rule.ts'
import type { FindingCode, KnownRule } from './rules.ts'

/** One thing that lint has found, as data. */
export interface Finding {
  /** Permanent; each code has a page in the documentation. */
  readonly code: FindingCode
  readonly level: FindingLevel
  /** The file, as it was given. */
  readonly file: string | undefined
  /** From 1. */
  readonly line: number | undefined
  /** From 1, in UTF-16 code units. */
  readonly column: number | undefined
  /** Where in the document: `mappings[0].ranges.slow`. Empty for the document as a whole. */
  readonly path: string
  /** The name of the event set. */
  readonly set: string | undefined
  /** The name of the package. */
  readonly package: string | undefined
  readonly message: string
  /** What to do. */
  readonly hint: string | undefined
  /** The page of the code. */
  readonly url: string
}

/** What findings are about. */
export interface Subject {
  readonly file: string | undefined
  readonly set: string | undefined
  readonly package: string | undefined
  /** The text, where there is one: it knows lines and columns. */
  readonly document: Document | undefined
}

const LEVELS: readonly FindingLevel[] = ['info', 'warn', 'error']

/** Whether a level is as grave as another one, or graver. */
export function isAtLeast(level: FindingLevel, least: FindingLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least)
}

/** A finding of a rule. */
export function toFinding(
  rule: KnownRule,
  subject: Subject,
  { path, at, message, hint, level }: Spot,
): Finding {
  return createFinding(rule, subject, {
    path: formatPath(path.map((key) => (typeof key === 'string' ? shorten(key, LONGEST.key) : key))),
    position: subject.document?.locate(path, at ?? 'value'),
    message,
    hint,
    level,
  })
}

interface Place {
  readonly path: string
  readonly position: { readonly line: number; readonly column: number } | undefined
  readonly message: string
  readonly hint: string | undefined
  readonly level?: FindingLevel | undefined
}

export function createFinding(
  { code, level: levelOfRule }: KnownRule,
  { file, set, package: name }: Subject,
  { path, position, message, hint, level = levelOfRule }: Place,
): Finding {
  return {
    code,
    level,
    file,
    line: position?.line,
    column: position?.column,
    path,
    set: set && shorten(set, LONGEST.name),
    package: name && shorten(name, LONGEST.name),
    message: shorten(message, LONGEST.message),
    hint: hint && shorten(hint, LONGEST.message),
    url: `${DOCUMENTATION}/${code}.md`,
  }
}

/** In characters. A single key may fill a file, and stand in thousands of findings about what is below it. */
const LONGEST = { key: 200, name: 300, message: 2000 } as const

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** The documentation is part of the package, and unpkg shows it. */
const DOCUMENTATION = 'https://unpkg.com/eventsets/docs/reference/lint'

/** Findings as people read them: by file, from top to bottom, in one file the graver first at one place. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map(({ file }) => file))]
  const order = new Map(files.map((file, index) => [file, index]))
  const fileOf = ({ file }: Finding) => order.get(file) ?? 0
  const lineOf = ({ line = 0 }: Finding) => line
  const columnOf = ({ column = 0 }: Finding) => column
  const gravityOf = ({ level }: Finding) => -LEVELS.indexOf(level)
  const keys = [fileOf, lineOf, columnOf, gravityOf]
  return [...findings].sort((one, other) => {
    for (const key of keys) if (key(one) !== key(other)) return key(one) - key(other)
    return one.code < other.code ? -1 : 1
  })
}
