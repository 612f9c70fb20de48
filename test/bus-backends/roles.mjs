import { randomUUID } from 'node:crypto'
import { die, heard, tell } from './child.mjs'
import { openLedger } from './open-ledger.mjs'

/**
 * The roles that a process can play with any backend.
 *
 * @param EventBus The class, from where the process gets it.
 * @param open Opens a backend with the options that the role does not know.
 */
export function rolesOf({ EventBus, open }) {
  return { hold, mortal, publish, publishBursts, publishBatches, consume, close }

  /** Takes events, and ends with each when its parent says so, with the outcome that it says. */
  async function hold({ group, concurrency = 1, ...options }) {
    const backend = open(options)
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

  /** Ends with each event at once, but dies over those of one name. */
  async function mortal({ group, lethalName, concurrency = 5, ...options }) {
    await open(options).consume({
      group,
      concurrency,
      patterns: () => ['*'],
      async deliver({ event }) {
        if (event.name === lethalName) die()
        // Not at once, so that others are in hand when it dies.
        await new Promise((resolve) => setImmediate(resolve))
        return { deadLetters: [] }
      },
      onError: (error) => tell({ error: error.message }),
    })
    tell({ ready: true })
  }

  /** Publishes so many events together, again and again. */
  async function publishBatches({ name, size, ...options }) {
    const backend = open(options)
    for (let batch = 0; ; batch++) {
      const events = Array.from({ length: size }, (_, n) => {
        const id = randomUUID()
        const said = { source: 'test', time: Date.now(), correlationId: id, priority: 50 }
        return { id, name, data: { batch, n }, ...said }
      })
      await backend.publish(events)
      tell({ [`published ${batch + 1}`]: true })
    }
  }

  /** Publishes one event after another, and notes each that has been taken. */
  async function publish({ ledger, prefix, keys = 0, from = 0, size = 0, ...options }) {
    const bus = new EventBus({ backend: open(options) })
    const save = openLedger(ledger)
    const padding = 'x'.repeat(size)
    tell({ ready: true })
    let published = 0
    for (let n = from; ; n++) {
      const id = `${prefix}-${n}`
      const key = keys > 0 ? `${prefix}-${n % keys}` : undefined
      try {
        await bus.publish('order.placed', { n, padding }, { id, key })
      } catch (error) {
        // Nobody has been promised anything.
        tell({ [`refused ${error.code}`]: true })
        continue
      }
      save({ id, key, n, time: Date.now() })
      tell({ [`published ${++published}`]: true })
    }
  }

  /** Publishes so many events, a burst of them at once, and notes each that has been taken. */
  async function publishBursts({ ledger, prefix, keys, count, burst, size = 0, pauseMs = 0, ...options }) {
    const bus = new EventBus({ backend: open(options) })
    const save = openLedger(ledger, { isSynced: false })
    const padding = 'x'.repeat(size)
    tell({ ready: true })
    for (let from = 0; from < count; from += burst) {
      const numbers = Array.from({ length: Math.min(burst, count - from) }, (_, at) => from + at)
      await Promise.all(
        numbers.map(async (n) => {
          const [id, key] = [`${prefix}-${n}`, `${prefix}-${n % keys}`]
          await bus.publish('order.placed', { n, padding }, { id, key })
          save({ id, key, n })
        }),
      )
      tell({ [`published ${from + numbers.length}`]: true, burst: numbers.length })
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    await heard('close')
    await bus.close()
    process.exit(0)
  }

  /** Handles events, and notes each that has been handled. */
  async function consume({
    ledger,
    isSynced = true,
    isRationed = false,
    group,
    concurrency = 10,
    maxAttempts = 100,
    failEvery,
    failOn = [],
    dieOn = [],
    isChecking = false,
    blockOn,
    blockMs,
    ...options
  }) {
    const save = openLedger(ledger, { isSynced })
    const bus = new EventBus({
      backend: open(options),
      group,
      concurrency,
      schemas: isChecking ? { 'order.placed': numbered } : undefined,
      retry: { maxAttempts, baseDelayMs: 1, maxDelayMs: 20 },
      onError: (error) => tell({ [`error ${error.code}`]: error.message }),
    })
    const ration = isRationed ? openRations() : () => {}
    let count = 0
    const handler = async ({ id, key, data }, { attempt, isRedelivered }) => {
      // What others have published is not checked by the bus.
      if (isChecking) await bus.validate('order.placed', data)
      const { n } = data
      await ration()
      if (dieOn.includes(n)) die()
      if (n === blockOn && !isRedelivered) {
        tell({ blocks: true })
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
      }
      // Not at once, so that several are in hand when it is killed.
      await new Promise((resolve) => setImmediate(resolve))
      if (failOn.includes(n)) throw new Error('it always fails')
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

  /** Closes its bus in a certain state, and leaves nothing behind that keeps it from ending. */
  async function close({ state, group, deadlineMs, ...options }) {
    const bus = new EventBus({ backend: open(options), group, onError: () => {} })
    const end = () => bus.close({ deadlineMs })
    let begin = () => {}
    const begun = new Promise((resolve) => {
      begin = resolve
    })
    bus.on('order.*', async () => {
      begin()
      if (state === 'in a handler') await end()
      await new Promise(() => {})
    })
    const publish = () =>
      bus.publish('order.placed', {}).then(
        () => 'taken',
        (error) => error.code,
      )
    let pending
    if (state !== 'unused' && state !== 'never connected') await bus.start()
    if (['at work', 'at work, at once', 'in a handler'].includes(state)) {
      await publish()
      await begun
    }
    if (state === 'away') {
      tell({ ready: true })
      await heard('go')
    }
    if (state === 'away' || state === 'never connected') pending = publish()
    if (state.endsWith('at once')) await Promise.all([end(), end(), end()])
    else await end()
    if (state === 'twice') await end()
    tell({ closed: { late: await publish(), pending: await pending } })
    process.channel.unref()
  }
}

/** Gives a function that resolves as often as the parent allows, or without end when it says so. */
function openRations() {
  const waiting = []
  let left = 0
  process.on('message', ({ rations = 0 }) => {
    // Without end, as JSON has it.
    left += rations ?? Number.POSITIVE_INFINITY
    while (left > 0 && waiting.length > 0) {
      left--
      waiting.shift()()
    }
  })
  return async () => {
    if (left > 0) left--
    else await new Promise((resolve) => waiting.push(resolve))
  }
}

/** A Standard Schema of data with a number. */
const numbered = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value.n === 'number' ? { value } : { issues: [{ message: 'expected a number', path: ['n'] }] },
  },
}
