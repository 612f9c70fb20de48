// Log calls as a server makes them, and what they cost the thread that makes them.
import { readFileSync } from 'node:fs'

const BURST = 50

/** Some calls, then the event loop turns. */
export function logInBursts(log, calls) {
  return new Promise((resolve) => {
    let done = 0
    const burst = () => {
      for (const end = Math.min(done + BURST, calls); done < end; done++) logOnce(log, done)
      if (done < calls) setImmediate(burst)
      else resolve()
    }
    burst()
  })
}

function logOnce(log, index) {
  const fields = {
    reqId: `req-${index}`,
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.path': '/api/v1/orders',
    'db.system.name': 'postgresql',
    'db.operation.name': 'SELECT',
    userId: index,
    tenant: 'acme',
    durationMs: 12.5,
  }
  log.info(fields, 'request completed')
}

/** The time the main thread has been on a core. Elsewhere than on Linux: the wall time. */
export function mainThreadNs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return Number(process.hrtime.bigint())
  }
}

/** Resolves when the worker has taken all that was written. */
export const flushed = (stream) => new Promise((resolve) => stream.flush(resolve))
