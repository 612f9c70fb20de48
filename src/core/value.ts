/** What a value of a record must be to be looked up. Objects, lists and functions are not values. */
export type Scalar = string | number | boolean | bigint

/**
 * The value of a field as a scalar, or `undefined` when the field counts as absent.
 * A list of one scalar stands for it; other lists and objects are not values.
 */
export function toScalar(value: unknown): Scalar | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return value
    case 'object':
      return Array.isArray(value) && value.length === 1 && typeof value[0] !== 'object'
        ? toScalar(value[0])
        : undefined
    default:
      return undefined
  }
}

/** A number, or a string that is one (`"404"`, `" 1.5 "`), as a number. Otherwise `NaN`. */
export function toNumber(value: Scalar): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  // The first test keeps Number() off texts that cannot be numbers, and '' from being 0.
  return typeof value === 'string' && NUMERIC.test(value) ? Number(value) : Number.NaN
}

const NUMERIC = /^\s*[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:e[+-]?\d{1,3})?\s*$/i

export type ValueType = 'string' | 'integer' | 'number' | 'boolean'

/** Whether a value is of the type a field mapping asks for. Numeric strings are numbers. */
export function isOfType(value: Scalar, type: ValueType): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'integer':
      return Number.isInteger(toNumber(value))
    case 'number':
      return Number.isFinite(toNumber(value))
    case 'boolean':
      return typeof value === 'boolean' || (typeof value === 'string' && /^(?:true|false)$/i.test(value))
  }
}
