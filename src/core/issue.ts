/** One thing that is wrong with an input. Findings are data; `formatIssue` words them for people. */
export interface Issue {
  /** Where: `fieldMappings[2].mapping`. Empty for the input as a whole. */
  readonly path: string
  readonly code: IssueCode
  /** What is wrong and what was expected, without the path. */
  readonly message: string
  /** How many issues it stands for, where that is not 1: the last one of a list that has been cut. */
  readonly count?: number | undefined
}

export type IssueCode =
  | 'type'
  | 'missing'
  | 'unknown_key'
  | 'format'
  | 'limit'
  | 'range_order'
  | 'duplicate_name'
  | 'duplicate_key'
  | 'dangling_link'

/** The way to a value, key by key. */
export type Path = readonly (string | number)[]

/** Tells of an issue. A function for a message is called only where somebody is going to read it. */
export type Report = (path: Path, code: IssueCode, message: string | (() => string)) => void

/** So many issues of one input are told. Whoever has written one that is that wrong is not helped by more. */
export const MAX_ISSUES = 50

/**
 * The issues of one input as they are found. Only the first are kept and worded, since an input may come from a stranger
 * and have a million of them; all are counted.
 */
export class IssueList {
  readonly #kept: Issue[] = []
  #count = 0

  readonly report: Report = (path, code, message) => {
    this.#count++
    if (this.#kept.length === MAX_ISSUES) return
    this.#kept.push({
      path: formatPath(path),
      code,
      message: typeof message === 'string' ? message : message(),
    })
  }

  /** Takes over what another list has found. */
  append(other: IssueList): void {
    this.#count += other.#count
    this.#kept.push(...other.#kept.slice(0, MAX_ISSUES - this.#kept.length))
  }

  /** Those that were kept, and where there are more, a last one that says how many. */
  toIssues(): Issue[] {
    const more = this.#count - this.#kept.length
    return more === 0 ? [...this.#kept] : [...this.#kept, moreIssues(more)]
  }
}

function moreIssues(count: number): Issue {
  return {
    path: '',
    code: 'limit',
    message: `and ${count === 1 ? '1 more issue' : `${count} more issues`}`,
    count,
  }
}

/** How many issues a list tells of, those included that it only counts. */
export function countIssues(issues: readonly Issue[]): number {
  return issues.reduce((sum, { count = 1 }) => sum + count, 0)
}

/** `fieldMappings[2].mapping: no mapping "stauts" in set "http"; did you mean "status"?` */
export function formatIssue({ path, message }: Issue): string {
  return path === '' ? message : `${path}: ${message}`
}

/** `['fieldMappings', 2, 'mapping']` as `fieldMappings[2].mapping`. Keys that are not plain words are quoted, and absurdly long ones cut. */
export function formatPath(segments: Path): string {
  let path = ''
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`
    else if (/^[A-Za-z_$][\w$]{0,999}$/.test(segment)) path += path === '' ? segment : `.${segment}`
    else path += `[${quoteShort(segment, LONGEST_KEY)}]`
  }
  return path
}

/** No key that is allowed anywhere is longer. */
const LONGEST_KEY = 1000

/** A text in quotes, cut where it is long: it may be a stranger's, and its newlines must not make lines of their own in a message. */
export function quoteShort(text: string, most = 60): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text)
}
