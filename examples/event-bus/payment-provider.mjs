// Stands for the company that charges cards. It can be away, and it refuses the card "stolen".
import { once } from 'node:events'
import { createServer } from 'node:http'

export async function startPaymentProvider() {
  const provider = {
    url: '',
    isAway: false,
    /** How often it was asked. */
    requests: 0,
    /** What was charged, in cents, by idempotency key. @type {Map<string, number>} */
    charges: new Map(),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    if (request.method === 'PUT') provider.isAway = body === 'away'
    else response.statusCode = charge(String(request.headers['idempotency-key']), body)
    response.end()
  })
  /** @param {string} key @param {string} body */
  const charge = (key, body) => {
    provider.requests++
    if (provider.isAway) return 503
    const { card, cents } = JSON.parse(body)
    if (card === 'stolen') return 402
    provider.charges.set(key, cents)
    return 201
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  provider.url = `http://127.0.0.1:${port}`
  return provider
}
