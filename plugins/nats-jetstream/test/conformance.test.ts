import { jetStream } from '@eventsets/nats-jetstream'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { poisonBodies } from '../../../test/bus-backends/poison-bodies.ts'
import { victimsOf } from '../../../test/bus-backends/victim.ts'
import { startProcess } from './harness.ts'
import { hasNatsServer, type NatsServer, startNats } from './nats-server.ts'

/** A process that dies is missed soon, and nobody is missed who is only slow. */
const ACK_WAIT_MS = 1500

describe.runIf(hasNatsServer)('jetStream', () => {
  let server: NatsServer
  let count = 0
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server?.dispose())

  const make = () => {
    const options = { servers: server.url, stream: `case-${count++}`, ackWaitMs: ACK_WAIT_MS }
    return {
      backend: jetStream(options),
      reopen: () => jetStream(options),
      ...victimsOf((role, order) => startProcess(role, { ...options, ...order })),
      restart: async () => {
        await server.kill()
        await server.start()
      },
      poison: async () => {
        for (const subject of ['event.order.paid', 'again', 'what.else'])
          for (const body of poisonBodies)
            await server.admin.request(`${options.stream}.${subject}`, body, { timeout: 5000 })
      },
    }
  }
  for (const { name, run } of busBackendConformance(make, { timeoutMs: 45_000 })) it(name, run)
})
