import { ValidationError } from '../core/errors.ts'
import { isPlainObject } from '../core/shape.ts'

/**
 * Checks that something looks like what the `metrics` of a bus gives.
 *
 * @param where What it was given to.
 * @throws ValidationError
 */
export function assertMetrics(metrics: unknown, where: string): void {
  const { byEvent, byHandler, events }: Record<string, unknown> = isPlainObject(metrics) ? metrics : {}
  if (Array.isArray(byEvent) && Array.isArray(byHandler) && isPlainObject(events)) return
  const issue = { path: 'metrics', code: 'type', message: 'expected what metrics() of a bus gives' } as const
  throw new ValidationError(`What is given to ${where} is`, [issue], { code: 'EVENTSETS_INVALID_OPTIONS' })
}
