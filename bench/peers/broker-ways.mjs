// The bus on a server, and others on the same server.
import {
  dataAt,
  inBatches,
  inFlight,
  keyAt,
  NAME,
  STORED_TOGETHER,
  storedAt,
  TOGETHER,
} from './broker-events.mjs'

const ON_JETSTREAM = { open: openJetStream }

/**
 * Each opens a connection to a server on a port, and gives some of:
 *
 * - `store(count)`: has so many events on the server, however;
 * - `publish(from, to)`: publishes those with these numbers, `TOGETHER` at once;
 * - `publishOne(index)`;
 * - `consume(onEvent)`: calls it for each event, with its number where it is read.
 */
export const WAYS = {
  eventsets: (port) => openBus(port),
  'eventsets, keys': (port) => openBus(port, { isKeyed: true }),
  'eventsets, 50 at once': (port) => openBus(port, { concurrency: 50 }),
  'eventsets, backend alone': (port) => openBackend(port),
  'eventsets, backend alone, keys': (port) => openBackend(port, { isKeyed: true }),
  commands: (port) => openCommands(port),
  'commands, JSON': (port) => openCommands(port, { isJson: true }),
  bullmq: openBullMq,
  'eventsets on JetStream': (port) => openBus(port, ON_JETSTREAM),
  'JetStream client': openJetStreamClient,
}

async function openRedisStreams(port) {
  const { redisStreams } = await import('@eventsets/redis-streams')
  return redisStreams({ url: `redis://127.0.0.1:${port}` })
}

async function openJetStream(port) {
  const { jetStream } = await import('@eventsets/nats-jetstream')
  return jetStream({ servers: `127.0.0.1:${port}` })
}

async function openBus(port, { isKeyed = false, concurrency, open = openRedisStreams } = {}) {
  const { EventBus } = await import('eventsets/bus')
  const backend = await open(port)
  const bus = new EventBus({ backend, concurrency, source: 'shop', group: 'bench' })
  const publishOne = (index) => bus.publish(NAME, dataAt(index), isKeyed ? { key: keyAt(index) } : undefined)
  return {
    store: (count) => storeThrough(backend, count, isKeyed),
    publish: (from, to) => inFlight(from, to, publishOne),
    publishOne,
    async consume(onEvent) {
      bus.on('order.*', async ({ data }) => onEvent(data.order))
      await bus.start()
    },
  }
}

async function openBackend(port, { isKeyed = false } = {}) {
  const backend = await openRedisStreams(port)
  return {
    store: (count) => storeThrough(backend, count, isKeyed),
    async consume(onEvent) {
      await backend.consume({
        group: 'bench',
        concurrency: 100,
        patterns: () => ['order.*'],
        async deliver({ event }) {
          onEvent(event.data.order)
          return { deadLetters: [] }
        },
        onError(error) {
          throw error
        },
      })
    },
  }
}

const storeThrough = (backend, count, isKeyed) =>
  inBatches(0, count, STORED_TOGETHER, (numbers) =>
    backend.publish(numbers.map((index) => storedAt(index, isKeyed))),
  )

/** Redis's own commands. Unless JSON is to be written and read, texts are there before, and are left as texts. */
async function openCommands(port, { isJson = false } = {}) {
  const { Redis } = await import('ioredis')
  const [client, reader] = [new Redis(port), new Redis(port)]
  const bodyAt = (index) => JSON.stringify(storedAt(index))
  const add = async (bodies) => {
    const pipeline = client.pipeline()
    for (const body of bodies) pipeline.xadd('raw', '*', 'n', NAME, 'e', body)
    for (const [error] of await pipeline.exec()) if (error) throw error
  }
  let ready
  return {
    store: (count) => inBatches(0, count, STORED_TOGETHER, (numbers) => add(numbers.map(bodyAt))),
    /** The texts, so that writing them is not measured. */
    prepare(count) {
      if (!isJson) ready = Array.from({ length: count }, (_, index) => bodyAt(index))
    },
    publish: (from, to) =>
      inBatches(from, to, TOGETHER, (numbers) =>
        add(numbers.map((index) => (ready === undefined ? bodyAt(index) : ready[index]))),
      ),
    publishOne: (index) => client.xadd('raw', '*', 'n', NAME, 'e', bodyAt(index)),
    async consume(onEvent) {
      await client.xgroup('CREATE', 'raw', 'bench', '0', 'MKSTREAM')
      const read = async () => {
        for (;;) {
          const found = await reader.xreadgroup(
            ...['GROUP', 'bench', 'me', 'COUNT', TOGETHER, 'BLOCK', 1000, 'STREAMS', 'raw', '>'],
          )
          if (found === null) continue
          const [[, entries]] = found
          for (const [, fields] of entries) onEvent(isJson ? JSON.parse(fields[3]).data.order : undefined)
          await reader.xack('raw', 'bench', ...entries.map(([id]) => id))
        }
      }
      read()
    },
  }
}

/** Found where BULLMQ says: the repository does not depend on it. */
async function openBullMq(port) {
  const { createRequire } = await import('node:module')
  const { Queue, Worker } = createRequire(`${process.env.BULLMQ}/package.json`)('bullmq')
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null }
  const queue = new Queue('orders', { connection })
  const add = (numbers) => queue.addBulk(numbers.map((index) => ({ name: NAME, data: dataAt(index) })))
  return {
    store: (count) => inBatches(0, count, STORED_TOGETHER, add),
    publish: (from, to) => inBatches(from, to, TOGETHER, add),
    publishOne: (index) => queue.add(NAME, dataAt(index)),
    async consume(onEvent) {
      const worker = new Worker('orders', async ({ data }) => onEvent(data.order), {
        connection,
        concurrency: 50,
      })
      await worker.waitUntilReady()
    },
  }
}

async function openJetStreamClient(port) {
  const { connect } = await import('@nats-io/transport-node')
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream')
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  const [manager, client] = [await jetstreamManager(connection), jetstream(connection)]
  await manager.streams.add({ name: 'raw', subjects: ['raw.>'] })
  await manager.consumers.add('raw', { durable_name: 'bench', ack_policy: 'explicit' })
  const publishOne = (index) => {
    const event = storedAt(index)
    return client.publish(`raw.${NAME}`, JSON.stringify(event), { msgID: event.id })
  }
  return {
    store: (count) => inFlight(0, count, publishOne),
    publish: (from, to) => inFlight(from, to, publishOne),
    publishOne,
    async consume(onEvent) {
      const consumer = await client.consumers.get('raw', 'bench')
      const messages = await consumer.consume({ max_messages: STORED_TOGETHER })
      const read = async () => {
        for await (const message of messages) {
          onEvent(message.json().data.order)
          message.ack()
        }
      }
      read()
    },
  }
}
