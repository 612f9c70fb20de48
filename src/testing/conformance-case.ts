import { AssertionError } from 'node:assert'
import { toSafeText } from '../pretty/safe-text.ts'

/** One behaviour, for whatever runs tests: `test(name, run)`. */
export interface ConformanceCase {
  /** A sentence without its subject: `reads "order.status" under each of its names`. */
  readonly name: string
  /** Throws an error whose message tells everything that is wrong, and what to do. */
  readonly run: () => void | Promise<void>
}

/**
 * Passes when there are no problems. Otherwise all of them are in the message, each on a line of its own.
 *
 * @throws AssertionError
 */
export function expectNone(problems: readonly string[], summary: string): void {
  if (problems.length === 0) return
  const lines = [...new Set(problems)].map((problem) => `\n  - ${problem}`)
  // Set and package may be anyone's, and the message ends in a terminal.
  throw new AssertionError({ message: toSafeText(`${summary}:${lines.join('')}`), stackStartFn: expectNone })
}

/** A value as it stands in a message: short, on one line, and without anything that acts on a terminal. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return toSafeText(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** `"a"`, `"a" and "b"`, `"a", "b" and 7 more`. */
export function listSome(titles: readonly string[], most = 8): string {
  const shown = titles.length <= most ? titles : titles.slice(0, most - 1)
  const rest = titles.length - shown.length
  const all = rest === 0 ? shown : [...shown, `${rest} more`]
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}

/** Something that is wrong with one value, or with several alike. */
export interface ValueProblem {
  /** What is wrong and what to do, as a clause. */
  readonly problem: string
  /** What it is about, as it stands in a message. */
  readonly concerns: string
}

/** The same problem of many values as one. */
export function joinProblems(found: readonly ValueProblem[]): string[] {
  const concernsOf = new Map<string, Set<string>>()
  for (const { problem, concerns } of found) {
    const known = concernsOf.get(problem) ?? new Set()
    concernsOf.set(problem, known.add(concerns))
  }
  return [...concernsOf].map(([problem, concerns]) => `${problem}. This concerns ${listSome([...concerns])}.`)
}
