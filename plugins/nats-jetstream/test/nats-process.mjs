// What the tests do in processes of their own, so that these can be killed at any moment:
//
//   node --import ./resolve-eventsets.mjs nats-process.mjs <role> <options as JSON>
//
// A process tells its parent what it has done by messages, and what must not be lost by lines in a file, each of which
// is on the disk before it goes on.
import { once } from 'node:events'
import { fsyncSync, openSync, writeSync } from 'node:fs'
import { jetStream } from '@eventsets/nats-jetstream'
import { EventBus } from 'eventsets/bus'

const [role, json] = process.argv.slice(2)
const ROLES = { hold, publish, publishTogether, consume }

process.on('unhandledRejection', (error) => {
  console.error(error)
  process.exit(70)
})
process.on('disconnect', () => process.exit(0))
await ROLES[role](JSON.parse(json))

/** Takes events, and ends with none of them before its parent says so. */
async function hold({ group, concurrency = 1, ...options }) {
  const backend = jetStream(options)
  let count = 0
  const consumption = await backend.consume({
    group,
    concurrency,
    patterns: () => ['*'],
    async deliver() {
      tell({ [`holds ${++count}`]: true })
      return await heard('outcome')
    },
    onError: (error) => tell({ error: error.message }),
  })
  tell({ ready: true })
  await heard('close')
  await consumption.stop(1000)
  await backend.close()
  process.exit(0)
}

/** Publishes one event after another, and notes each that has been taken. */
async function publish({ ledger, prefix, keys, size = 0, ...options }) {
  const bus = new EventBus({ backend: jetStream(options) })
  const save = openLedger(ledger)
  const padding = 'x'.repeat(size)
  tell({ ready: true })
  let published = 0
  for (let n = 0; ; n++) {
    const id = `${prefix}-${n}`
    const key = keys > 0 ? `${prefix}-${n % keys}` : undefined
    try {
      await bus.publish('order.placed', { n, padding }, { id, key })
    } catch (error) {
      // Nobody has been promised anything.
      tell({ [`refused ${error.code}`]: true })
      continue
    }
    save({ id, key, n })
    tell({ [`published ${++published}`]: true })
  }
}

/** Publishes one batch after another. */
async function publishTogether({ prefix, count, ...options }) {
  const bus = new EventBus({ backend: jetStream(options) })
  tell({ ready: true })
  for (let batch = 0; ; batch++) {
    await bus.transaction(async (tx) => {
      for (let n = 0; n < count; n++)
        await tx.publish('order.placed', { batch, n }, { id: `${prefix}-${batch}-${n}` })
    })
    tell({ [`published ${batch + 1}`]: true })
  }
}

/** Handles events, and notes each that has been handled. */
async function consume({
  ledger,
  group,
  concurrency = 10,
  failEvery,
  dieOn = [],
  blockOn,
  blockMs,
  ...options
}) {
  const save = openLedger(ledger)
  const bus = new EventBus({
    backend: jetStream(options),
    group,
    concurrency,
    retry: { maxAttempts: 100, baseDelayMs: 1, maxDelayMs: 20 },
    onError: (error) => tell({ [`error ${error.code}`]: error.message }),
  })
  let count = 0
  const handler = async ({ id, key, data: { n } }, { attempt, isRedelivered }) => {
    if (dieOn.includes(n)) die()
    if (n === blockOn && !isRedelivered) {
      tell({ blocks: true })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
    }
    // Not at once, so that several are in hand when it is killed.
    await new Promise((resolve) => setImmediate(resolve))
    if (attempt === 1 && failEvery && n % failEvery === 0) throw new Error('the first try fails')
    save({ id, key, n, attempt, isRedelivered, time: Date.now() })
    tell({ [`handled ${++count}`]: true, [id]: true })
  }
  bus.on('order.*', handler, { name: 'ledger' })
  await bus.start()
  tell({ ready: true })
  await heard('close')
  await bus.close()
  process.exit(0)
}

function tell(message) {
  process.send(message)
}

async function heard(what) {
  for (;;) {
    const [message] = await once(process, 'message')
    if (what in message) return message[what]
  }
}

function die() {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

function openLedger(path) {
  const fd = openSync(path, 'a')
  return (entry) => {
    writeSync(fd, `${JSON.stringify(entry)}\n`)
    fsyncSync(fd)
  }
}
