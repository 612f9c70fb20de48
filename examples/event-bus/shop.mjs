// The shop, put together: a database, the bus on it, its handlers, and a server in front.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { sqliteBackend } from 'eventsets/bus'
import Database from 'libsql'
import { createBus } from './events.mjs'
import { addHandlers } from './handlers.mjs'
import { createHttpHandler } from './http.mjs'
import { openOrders } from './orders.mjs'

/**
 * @param {object} options
 * @param {string} options.path of the database, which is made if there is none
 * @param {string} options.paymentUrl
 * @param {import('pino').Logger} options.log
 * @param {number} [options.port] any that is free unless given
 */
export async function openShop({ path, paymentUrl, log, port = 0 }) {
  const database = new Database(path)
  // What a process had in hand when it was killed is handed out again about so much later.
  const backend = sqliteBackend({ database, leaseMs: 2000 })
  /** @type {import('eventsets/bus').EventBusOptions['onError']} */
  const onError = (err, event) => {
    // Of a handler that has failed the audit log tells.
    if (!event) log.error({ err }, err.message)
  }
  const bus = createBus({ backend, onError })
  // A group of its own: it gets events as they are published, and not when the handlers of the shop are done.
  const live = createBus({ backend, onError, group: 'live' })
  const orders = openOrders({ path, database, bus, outbox: backend.outbox })

  addHandlers(bus, { orders, log, paymentUrl })
  bus.addHealthCheck('dead letters', async () => {
    const { deadLetters } = await backend.health()
    if (deadLetters > 0) return { status: 'degraded', reasons: [`Dead letters: ${deadLetters}.`] }
  })
  await bus.start()
  await live.start()

  const server = createServer(createHttpHandler({ bus, live, orders, log }))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())

  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Handles what is in hand, and keeps the rest for the next time. */
    async close() {
      await bus.close()
      await live.close()
      await new Promise((resolve) => {
        server.close(resolve)
        setTimeout(() => server.closeAllConnections(), 1000).unref()
      })
      orders.close()
      database.close()
    },
  }
}
