import { toNumber } from './value.ts'

/**
 * What a transformation does to a value before it is looked up. The value in the record never changes.
 * In JSON a transformation is one of the names below; in code it may be any pure function.
 */
export type Transformation = TransformationName | ((value: unknown) => unknown)

const text = (change: (value: string) => string) => (value: unknown) =>
  typeof value === 'string' ? change(value) : value

const numberOf = (value: unknown) =>
  typeof value === 'number' || typeof value === 'string' ? toNumber(value) : Number.NaN

/** The named transformations, for event sets that are data. A value they do not apply to stays as it is. */
export const transformations = {
  /** White space at both ends removed. */
  trim: text((value) => value.trim()),
  /** Lower case. */
  lower: text((value) => value.toLowerCase()),
  /** Upper case. */
  upper: text((value) => value.toUpperCase()),
  /** The first word: `SELECT` of `SELECT * FROM users`. */
  firstWord: text((value) => /^\s*([^\s(;,]+)/.exec(value.slice(0, 200))?.[1] ?? value),
  /** What stands before the first `.`, `:` or `/`: `authn_login_fail` of `authn_login_fail:joe`. */
  firstSegment: text((value) => value.split(/[.:/]/, 1)[0] || value),
  /** What stands after the last `.`, `:` or `/`: `created` of `user.created`. */
  lastSegment: text(
    (value) => value.slice(Math.max(...['.', ':', '/'].map((mark) => value.lastIndexOf(mark))) + 1) || value,
  ),
  /** The first error code in a text: `ECONNREFUSED` of `fetch failed: connect ECONNREFUSED 127.0.0.1:80`. */
  errorCode: text(
    (value) =>
      /\b(?!ERRORS?\b)(?:E(?:AI_)?[A-Z0-9]{2,30}|(?:UND_)?ERR_[A-Z0-9_]{1,60})\b/.exec(
        value.slice(0, 1000),
      )?.[0] ?? value,
  ),
  /** The class of an HTTP status: `4xx` of 404. */
  statusClass: (value: unknown) => {
    const status = numberOf(value)
    return status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : value
  },
  /** Seconds as milliseconds: 250 of 0.25. */
  secondsToMs: (value: unknown) => {
    const seconds = numberOf(value)
    return Number.isFinite(seconds) ? seconds * 1000 : value
  },
} as const satisfies Record<string, (value: unknown) => unknown>

export type TransformationName = keyof typeof transformations

export const transformationNames = Object.keys(transformations) as TransformationName[]
