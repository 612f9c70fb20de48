import Database from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  EventBus,
  memoryBackend,
  type OutboxEntry,
  publishing,
  type RelayedOutbox,
  type StandardSchema,
  startRelay,
} from '../../src/bus/index.ts'
import { makeFile, openBackend } from './sqlite-files.ts'

/** A sequence that colours, one that sets a title, one of C1, and a turn of the direction of writing. */
const HOSTILE = '\u001b[31m\u001b]0;owned\u0007\u009b2J\u202egpj\u2028'

/** Everything that acts on a terminal, and newlines that begin a line of their own. */
const UNSAFE = /(?!\n {2})[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** The next warning of the process, as Node writes it. */
function nextWarning(): Promise<string> {
  return new Promise((resolve) => {
    const note = (warning: Error & { code?: string; detail?: string }) => {
      resolve([warning.name, warning.code, warning.message, warning.detail].join('\n  '))
    }
    process.once('warning', note)
    onTestFinished(() => void process.off('warning', note))
  })
}

describe('a warning has nothing in it that acts on a terminal, when it is about', () => {
  it('an error that a bus was told', async () => {
    await using bus = new EventBus()
    const warned = nextWarning()

    bus.report(new Error(`no route${HOSTILE}\n(node:1) forged`))

    const text = await warned
    expect(text).not.toMatch(UNSAFE)
    expect(text).toContain('no route\\u{1b}[31m')
  })

  it('an event that has been damaged in its file', async () => {
    const file = makeFile()
    const backend = openBackend(file)
    await backend.publish([
      {
        id: `id${HOSTILE}`,
        name: `a${HOSTILE}`,
        data: 1,
        source: 's',
        time: 1,
        correlationId: 'c',
        priority: 50,
      },
    ])
    const other = new Database(file)
    other.exec(`UPDATE eventsets_events SET body = '${HOSTILE}{'`)
    other.close()
    const bus = new EventBus({ backend })
    onTestFinished(() => bus.close({ deadlineMs: 0 }))
    bus.on('*', () => {})
    const warned = nextWarning()

    await bus.start()

    const text = await warned
    expect(text).toContain('EVENTSETS_UNREADABLE')
    expect(text).not.toMatch(UNSAFE)
    expect((await bus.deadLetters.list())[0]?.reason).not.toMatch(UNSAFE)
  })

  it('an event in an outbox that cannot be read', async () => {
    const outbox: RelayedOutbox<undefined> = {
      name: `outbox${HOSTILE}`,
      async write() {},
      claim: async () => true,
      async release() {},
      read: async () => entries,
      async remove() {
        entries = []
      },
    }
    let entries: OutboxEntry[] = [{ seq: `1${HOSTILE}`, name: `a${HOSTILE}`, body: `${HOSTILE}{` }]
    const warned = nextWarning()
    const relay = startRelay({ outbox, backend: memoryBackend() })
    onTestFinished(() => relay.stop())

    const text = await warned

    expect(text).toContain('EVENTSETS_UNREADABLE')
    expect(text).not.toMatch(UNSAFE)
  })

  it('an event of a function that is lost', async () => {
    const warned = nextWarning()

    publishing({ publish: () => Promise.reject(HOSTILE), emit: async () => {} }, 'run', () => {})()

    expect(await warned).not.toMatch(UNSAFE)
  })
})

describe('a message has nothing in it that acts on a terminal, when it quotes', () => {
  it.each([
    ['the name of an event', (bus: EventBus) => bus.publish(`a${HOSTILE}`, 1)],
    ['a pattern', async (bus: EventBus) => bus.on(`a${HOSTILE}`, () => {})],
    ['the id of a dead letter', (bus: EventBus) => bus.deadLetters.replay(`a${HOSTILE}`)],
    ['the id of an event', (bus: EventBus) => bus.replay({ afterId: `a${HOSTILE}` }).next()],
    ['a key of data', (bus: EventBus) => bus.publish('a', { [HOSTILE]: () => {} })],
    ['what a schema says', (bus: EventBus) => bus.publish('checked', 1)],
    [
      'the name of a handler, and what it has thrown',
      async (bus: EventBus) => {
        bus.on('a', () => Promise.reject(new Error(HOSTILE)), { name: `h${HOSTILE}` })
        throw (await bus.emit('a', 1)).failures[0]?.error
      },
    ],
  ])('%s', async (_, fail) => {
    const issues = [{ message: `no ${HOSTILE}`, path: [HOSTILE] }]
    const schema: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) },
    }
    await using bus = new EventBus({ schemas: { checked: schema }, onError: () => {} })

    const error = await fail(bus as unknown as EventBus).then(
      () => expect.fail('has not failed'),
      (thrown: Error & { hint?: string }) => thrown,
    )

    expect(`${error.message}\n  ${error.hint}`).not.toMatch(UNSAFE)
  })
})

it('an error keeps what a handler has thrown as it is', async () => {
  await using bus = new EventBus({ onError: () => {} })
  const thrown = new Error(HOSTILE)
  bus.on('a', () => Promise.reject(thrown))

  const { failures } = await bus.emit('a', 1)

  expect(failures[0]?.error.cause).toBe(thrown)
})
