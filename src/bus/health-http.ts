import type { IncomingMessage, ServerResponse } from 'node:http'
import { object, optional } from '../core/shape.ts'
import type { BusHealth } from './health.ts'
import { answer } from './http-answer.ts'
import { assertOptions, expected, findBusIssues } from './option-shape.ts'

export interface HealthHandlerOptions {
  /**
   * What is asked. `readiness`: whether the process is of use, with 503 when the bus is unhealthy. `liveness`: whether
   * the process is worth keeping, with 503 only when the bus is closed; a backend that is away is no reason to restart
   * everything that waits for it. `readiness` unless given.
   */
  readonly probe?: 'readiness' | 'liveness' | undefined
  /** Whether the answer says more than the status. Reasons may name what strangers should not know. True unless given. */
  readonly hasDetails?: boolean | undefined
}

/** What is asked: an `EventBus`. */
export interface AskedBus {
  readonly isClosed: boolean
  health(): Promise<BusHealth>
}

/**
 * Answers `GET /healthz` of node:http, express and their like with 200 or 503, and what `health` says as JSON. It does
 * not look at the path.
 *
 * @throws ValidationError for wrong options, and without a bus.
 */
export function healthHandler(
  bus: AskedBus,
  options: HealthHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  assertOptions('The options of healthHandler are', optionsShape, options, findBusIssues(bus, 'health'))
  const { probe = 'readiness', hasDetails = true } = options
  return (request, response) =>
    answer(request, response, async () => {
      if (probe === 'liveness') return word({ status: bus.isClosed ? 'unhealthy' : 'healthy' })
      const health = await bus.health()
      return word(hasDetails ? health : { status: health.status })
    })
}

const optionsShape = object({
  probe: optional(
    expected('"readiness" or "liveness"', (value) => value === 'readiness' || value === 'liveness'),
  ),
  hasDetails: optional(expected('true or false', (value) => typeof value === 'boolean')),
})

function word(health: Partial<BusHealth>) {
  return {
    status: health.status === 'unhealthy' ? 503 : 200,
    type: 'application/json; charset=utf-8',
    body: `${JSON.stringify(health)}\n`,
  }
}
