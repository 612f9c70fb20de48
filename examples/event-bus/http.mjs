// The shop over HTTP: a table of routes, and what each of them does.
import { healthHandler, metricsHandler } from 'eventsets/bus'
import { orderRequest } from './events.mjs'

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

const MAX_BODY_BYTES = 65_536

/**
 * @param {object} parts
 * @param {import('./events.mjs').ShopBus} parts.bus
 * @param {import('./events.mjs').ShopBus} parts.live gets events without waiting for the handlers of the shop
 * @param {import('./orders.mjs').Orders} parts.orders
 * @param {import('pino').Logger} parts.log
 * @returns {(request: Request, response: Response) => Promise<void>} never rejects
 */
export function createHttpHandler({ bus, live, orders, log }) {
  const readiness = healthHandler(bus)
  const liveness = healthHandler(bus, { probe: 'liveness' })
  const metrics = metricsHandler(bus, { labels: { service: 'shop' } })

  /** @type {{ [path: string]: { [method: string]: (request: Request, response: Response, url: URL, id: string) => unknown } }} */
  const routes = {
    '/orders': {
      async POST(request, response) {
        // While the bus closes it still takes what its handlers lead to, and cannot tell who publishes.
        if (bus.isClosed) throw new Refusal(503, 'The shop closes.')
        const order = orderRequest.safeParse(await readJson(request))
        if (!order.success) throw new Refusal(400, 'This is no order.', order.error.issues.map(toIssue))
        const { id, correlationId } = await orders.place(order.data, originOf(request))
        response.setHeader('location', `/orders/${order.data.id}`).setHeader('x-request-id', correlationId)
        send(response, 201, { id: order.data.id, eventId: id })
      },
    },
    '/orders/:id': {
      GET(_request, response, _url, id) {
        const order = orders.find(id)
        if (!order) throw new Refusal(404, `There is no order "${id}".`)
        send(response, 200, order)
      },
    },
    '/events': {
      GET: (request, response, url) =>
        live.sse(request, response, url.searchParams.get('pattern') ?? '*', {
          // Whoever looks on is not to see cards and addresses.
          select: ({ data }) => ({ id: data.id }),
        }),
    },
    '/dead-letters': {
      async GET(_request, response) {
        const letters = await bus.deadLetters.list({ limit: 100 })
        send(
          response,
          200,
          letters.map(({ event, group: _, ...letter }) => ({
            ...letter,
            event: event.name,
            order: event.key,
          })),
        )
      },
    },
    '/dead-letters/:id': {
      async DELETE(_request, response, _url, id) {
        await bus.deadLetters.drop(id)
        response.writeHead(204).end()
      },
    },
    '/dead-letters/:id/replay': {
      async POST(_request, response, _url, id) {
        await bus.deadLetters.replay(id)
        response.writeHead(202).end()
      },
    },
    '/healthz': { GET: readiness },
    '/livez': { GET: liveness },
    '/metrics': { GET: metrics },
  }

  return async (request, response) => {
    try {
      const url = toUrl(request)
      const [, first, id, ...rest] = url.pathname.split('/')
      const path = id === undefined ? `/${first}` : ['', first, ':id', ...rest].join('/')
      const methods = Object.hasOwn(routes, path) ? routes[path] : undefined
      if (!methods) throw new Refusal(404, 'There is nothing here.')
      const run = Object.hasOwn(methods, request.method ?? '') ? methods[request.method ?? ''] : undefined
      if (!run) {
        response.setHeader('allow', Object.keys(methods).join(', '))
        throw new Refusal(405, `Only ${Object.keys(methods).join(' and ')} will do.`)
      }
      await run(request, response, url, id ?? '')
    } catch (error) {
      // The client has gone, and took the rest of its request along.
      if (response.destroyed) return
      const { status, message, issues } = toRefusal(error)
      if (status === 500) log.error({ err: error }, 'a request has failed')
      if (response.headersSent) response.destroy()
      else send(response, status, { error: message, issues })
    }
  }
}

/** What is answered instead. */
class Refusal extends Error {
  /** @param {number} status @param {string} message @param {{ path: string, message: string }[]} [issues] */
  constructor(status, message, issues) {
    super(message)
    this.status = status
    this.issues = issues
  }
}

/** @param {unknown} error */
function toRefusal(error) {
  if (error instanceof Refusal) return error
  switch (/** @type {{ code?: unknown } | undefined} */ (error)?.code) {
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
      return new Refusal(409, 'There is an order with this id.')
    case 'EVENTSETS_NOT_FOUND':
      return new Refusal(404, 'There is no such dead letter.')
    case 'EVENTSETS_BUS_CLOSED':
      return new Refusal(503, 'The shop closes.')
    default:
      return new Refusal(500, 'Something has gone wrong.')
  }
}

/** @param {Request} request */
function toUrl({ url = '/' }) {
  const parsed = URL.canParse(url, 'http://shop') ? new URL(url, 'http://shop') : undefined
  if (!parsed) throw new Refusal(400, 'This is no address.')
  return parsed
}

/** @param {Request} request @returns {Promise<unknown>} */
async function readJson(request) {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    // The rest is read, too: a client that is still writing reads no answer.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  if (bytes > MAX_BODY_BYTES) throw new Refusal(413, `More than ${MAX_BODY_BYTES} bytes are no order.`)
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new Refusal(400, 'This is no JSON.')
  }
}

/**
 * What leads from an event back to the request.
 *
 * @param {Request} request
 */
function originOf({ headers }) {
  const requestId = headers['x-request-id']
  const traceparent = headers['traceparent']
  const [, traceId] = /^00-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/.exec(String(traceparent)) ?? []
  const isGiven = typeof requestId === 'string' && /^[\w.:-]{1,128}$/.test(requestId)
  return {
    correlationId: isGiven ? requestId : traceId,
    traceparent: traceId === undefined ? undefined : String(traceparent),
  }
}

/** @param {{ path: PropertyKey[], message: string }} issue */
function toIssue({ path, message }) {
  return { path: path.join('.'), message }
}

/** @param {Response} response @param {number} status @param {unknown} body */
function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(`${JSON.stringify(body)}\n`)
}
