import { jetStream } from '@eventsets/nats-jetstream'
import { busBackendConformance } from 'eventsets/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { hasNatsServer, type NatsServer, startNats } from './nats-server.ts'
import { startProcess } from './processes.ts'

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
      startVictim: async (group: string) => {
        const victim = startProcess('hold', { ...options, group })
        await victim.said('ready')
        return {
          holds: async (held: number) => void (await victim.said(`holds ${held}`)),
          kill: victim.kill,
        }
      },
      restart: async () => {
        await server.kill()
        await server.start()
      },
      poison: async () => {
        const bodies = [
          '{"id":',
          'null',
          '{"name":7}',
          Buffer.from([0x7b, 0x22, 0xff, 0x00, 0x22]),
          '\u001b[2J',
        ]
        for (const subject of ['event.order.paid', 'again', 'what.else'])
          for (const body of bodies)
            await server.admin.request(`${options.stream}.${subject}`, body, { timeout: 5000 })
      },
    }
  }
  for (const { name, run } of busBackendConformance(make, { timeoutMs: 30_000 })) it(name, run)
})
