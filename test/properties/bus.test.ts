import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BusEvent, EventBus, memoryBackend, type StoredEvent } from '../../src/bus/index.ts'
import { fakeClock, recordingBackend } from '../../src/testing/index.ts'
import { BusModel, nameOf, patternOf } from './bus-model.ts'

type Command =
  | {
      readonly kind: 'on'
      readonly pattern: string
      readonly handler: number
      readonly priority: number | undefined
      readonly once: boolean
    }
  | { readonly kind: 'end'; readonly subscription: number }
  | { readonly kind: 'off'; readonly pattern: string; readonly handler: number }
  | { readonly kind: 'publish' | 'emit'; readonly name: string }
  | { readonly kind: 'pause' | 'resume' | 'close' }

const HANDLERS = 3

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('on' as const),
      pattern: patternOf(3),
      handler: fc.nat(HANDLERS - 1),
      priority: fc.constantFrom(undefined, undefined, 100, 25),
      once: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('end' as const), subscription: fc.nat(30) }),
  fc.record({ kind: fc.constant('off' as const), pattern: patternOf(2), handler: fc.nat(HANDLERS - 1) }),
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('publish' as const, 'emit' as const), name: nameOf(3) }),
  },
  fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const) }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
)

const closed = { code: 'EVENTSETS_BUS_CLOSED' }

test('it hands events to whom a plain model hands them, in that order, whatever is done with it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const model = new BusModel()
      const calls: string[] = []
      // One after the other, so that there is one right order.
      const bus = new EventBus({ concurrency: 1, onError: ({ message }) => void calls.push(message) })
      const handlers = Array.from({ length: HANDLERS }, (_, handler) => (event: BusEvent) => {
        calls.push(`${handler} ${event.name} ${event.data}`)
      })
      const ends: (() => void)[] = []
      const subscriptions: number[] = []

      for (const [index, each] of commands.entries()) {
        switch (each.kind) {
          case 'on': {
            const { pattern, handler, priority, once } = each
            const options = priority === undefined && !once ? undefined : { priority, once }
            const subscription = model.on({ pattern, handler, priority: priority ?? 50, once })
            const on = () => bus.on(pattern, handlers[handler] as never, options)
            if (subscription === undefined) expect(on).toThrow(expect.objectContaining(closed))
            else {
              ends.push(on())
              subscriptions.push(subscription)
            }
            break
          }
          case 'end':
            ends[each.subscription]?.()
            if (subscriptions[each.subscription] !== undefined)
              model.end(subscriptions[each.subscription] as number)
            break
          case 'off':
            expect(bus.off(each.pattern, handlers[each.handler] as never)).toBe(
              model.off(each.pattern, each.handler),
            )
            break
          case 'publish':
          case 'emit': {
            const handed = bus[each.kind](each.name, index)
            if (model.isClosed) await expect(handed).rejects.toMatchObject(closed)
            else await handed
            model[each.kind](each.name, index)
            break
          }
          case 'pause':
          case 'resume':
          case 'close':
            await bus[each.kind]()
            model[each.kind]()
        }
        await bus.idle()
        expect(calls).toEqual(model.calls)
        expect(bus.handlers()).toHaveLength(model.size)
      }
      await bus.resume()
      model.resume()
      await bus.close()

      expect(calls).toEqual(model.calls)
      await expect(bus.emit('a', 1)).rejects.toMatchObject(closed)
    }),
    { numRuns: 300 },
  )
})

/** What is done with a bus of which nobody waits for anything. */
const restless = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('publish' as const, 'publish' as const, 'emit' as const, 'transaction' as const),
      key: fc.constantFrom(undefined, undefined, 'x'),
      /** Its handler publishes so many that follow from it, one after the other. */
      followers: fc.constantFrom(0, 0, 0, 1, 2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('turn' as const, 'end' as const) }) },
  fc.record({ kind: fc.constant('close' as const) }),
)

test('it handles each event that it has taken, or tells that it has not, whenever it is closed', async () => {
  const settings = fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    maxQueueDepth: fc.constantFrom(100, 2),
    deadlineMs: fc.constantFrom(60_000, 60_000, 0),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(restless, { maxLength: 30 }),
      settings,
      async (steps, { concurrency, maxQueueDepth, deadlineMs }) => {
        const taken: string[] = []
        const handled: string[] = []
        let told = 0
        const bus = new EventBus({
          backend: memoryBackend({ maxQueueDepth }),
          concurrency,
          onError: ({ code, message }, event) => {
            if (event !== undefined) return
            expect(code).toBe('EVENTSETS_BUS_CLOSED')
            told += message.includes('an event') ? 1 : Number(/\d+/.exec(message)?.[0])
          },
        })
        const take = async (title: string | readonly string[], publishing: Promise<unknown>) => {
          try {
            await publishing
            taken.push(...[title].flat())
          } catch (error) {
            expect(['EVENTSETS_BUS_CLOSED', 'EVENTSETS_PUBLISH']).toContain((error as { code: string }).code)
          }
        }
        const ends: (() => void)[] = []
        bus.on('**', async ({ data }, { publish }) => {
          const { title, followers } = data as { title: string; followers: number }
          await new Promise<void>((resolve) => ends.push(resolve))
          for (let n = 0; n < followers; n++)
            await take(`${title}.${n}`, publish('follow.up', { title: `${title}.${n}`, followers: 0 }))
          handled.push(title)
        })

        const publishes: Promise<void>[] = []
        let closing: Promise<void> | undefined
        for (const [index, step] of steps.entries()) {
          if ('key' in step) {
            const { kind, key, followers } = step
            const data = { title: `${index}`, followers }
            const second = { title: `${index} too`, followers: 0 }
            if (kind === 'transaction') {
              const run = bus.transaction(async (tx) => {
                await tx.publish('first', data, { key })
                await tx.publish('second', second, { key })
              })
              publishes.push(take([data.title, second.title], run))
            } else publishes.push(take(data.title, bus[kind]('first', data, { key })))
          } else if (step.kind === 'turn') await new Promise((resolve) => setImmediate(resolve))
          else if (step.kind === 'end') ends.shift()?.()
          else closing ??= bus.close({ deadlineMs })
        }
        closing ??= bus.close({ deadlineMs })
        let isClosed = false
        const end = closing.then(() => {
          isClosed = true
        })
        while (!isClosed) {
          // Who closes without waiting is not waited for either.
          if (deadlineMs > 0) for (const resolve of ends.splice(0)) resolve()
          await new Promise((resolve) => setImmediate(resolve))
        }
        await end
        const handledByThen = [...handled]
        // What is emitted is waited for by whoever emits it, also when the bus does not any more.
        for (const resolve of ends.splice(0)) resolve()
        await Promise.all(publishes)

        expect(new Set(handled).size).toBe(handled.length)
        for (const title of handledByThen) expect(taken).toContain(title)
        if (deadlineMs > 0) {
          expect(handled.sort()).toEqual(taken.sort())
          expect(told).toBe(0)
        } else expect(handledByThen.length + told).toBeGreaterThanOrEqual(taken.length)
      },
    ),
    { numRuns: 300 },
  )
})

/** What becomes of the tries of one event: so many fail. */
const keyed = fc.record({ key: fc.constantFrom('x', 'y', 'z'), failures: fc.constantFrom(0, 0, 0, 1, 2, 9) })

test('it handles the events of a key one after the other in their order, however often they fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(keyed, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
      async (list, concurrency, isTogether) => {
        const clock = fakeClock()
        const bus = new EventBus({ clock, concurrency, onError: () => {} })
        const busy = new Set<string>()
        const ended: { readonly key: string; readonly index: number }[] = []
        const problems: string[] = []
        bus.on(
          'order.*',
          async ({ key = '', data }, { attempt }) => {
            const { index, failures } = data as { index: number; failures: number }
            if (busy.has(key)) problems.push(`two of ${key} at once`)
            busy.add(key)
            await new Promise<void>((resolve) => clock.delay((index % 3) * 10, resolve))
            busy.delete(key)
            const isLast = attempt === 3
            if (attempt > failures || isLast) ended.push({ key, index })
            if (attempt <= failures) throw new Error('not yet')
          },
          { retry: { maxAttempts: 3, baseDelayMs: 100 } },
        )

        const events = list.map(({ key, failures }, index) => ({
          name: 'order.paid',
          data: { index, failures },
          options: { key },
        }))
        if (isTogether) await bus.publishAll(events)
        else for (const { name, data, options } of events) await bus.publish(name, data, options)
        await clock.advance(60_000)

        expect(problems).toEqual([])
        for (const key of ['x', 'y', 'z']) {
          const order = ended.filter((each) => each.key === key).map(({ index }) => index)
          expect(order).toEqual([...list.keys()].filter((index) => list[index]?.key === key))
        }
        const lost = list.filter(({ failures }) => failures >= 3).length
        expect(await bus.deadLetters.list()).toHaveLength(lost)
        await bus.close()
      },
    ),
    { numRuns: 150 },
  )
})

/** What a transaction does, one thing after the other. */
interface Step {
  readonly kind: 'tx' | 'bus' | 'late' | 'nested' | 'wrong'
}

const transaction = fc.record({
  steps: fc.array(
    fc.record({ kind: fc.constantFrom<Step['kind']>('tx', 'bus', 'late', 'nested', 'wrong') }),
    {
      maxLength: 6,
    },
  ),
  throwsAt: fc.option(fc.nat(6)),
  /** Whether its events are written to an outbox. */
  isWritten: fc.boolean(),
  /** Whether the backend, or the outbox, does not take its events. */
  isRefused: fc.constantFrom(false, false, true),
})

test('it publishes all events of a transaction together and in order, or none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 5 }), async (transactions) => {
      const backend = recordingBackend()
      const refuse = ([event]: readonly StoredEvent[]) => {
        const number = Number(/^t(\d+)/.exec(event?.name ?? '')?.[1])
        if (transactions[number]?.isRefused) throw new Error('no route')
      }
      const publish = async (events: readonly StoredEvent[]) => {
        refuse(events)
        await backend.publish(events)
      }
      await using bus = new EventBus({ backend: { ...backend, publish } })
      const wanted: string[][] = []
      const wantedRows: string[][] = []
      const rows: string[][] = []
      const outbox = {
        async write(table: string[][], events: readonly StoredEvent[]) {
          refuse(events)
          table.push(events.map(({ name }) => name))
        },
      }

      const runs = transactions.map(async ({ steps, throwsAt, isWritten, isRefused }, number) => {
        const names: string[] = []
        const target = isWritten ? { outbox, handle: rows } : undefined
        const run = bus.transaction(async (tx) => {
          for (const [index, { kind }] of steps.entries()) {
            if (index === throwsAt) throw new Error('undone')
            const name = `t${number}.${kind}.n${index}`
            // Transactions take turns.
            if (index % 2 === 1) await new Promise((resolve) => setImmediate(resolve))
            if (kind === 'wrong') {
              await expect(tx.publish(name, () => {})).rejects.toMatchObject({
                code: 'EVENTSETS_SERIALIZATION',
              })
              continue
            }
            names.push(name)
            if (kind === 'tx') await tx.publish(name, index)
            else if (kind === 'bus') await bus.publish(name, index)
            else if (kind === 'late') void tx.publish(name, index).catch(() => {})
            else await bus.transaction((inner) => inner.publish(name, index))
          }
        }, target)
        const hasSucceeded = await run.then(
          () => true,
          () => false,
        )
        const isWhole = throwsAt === null || throwsAt >= steps.length
        // One that is refused is refused for all, also where its error was caught.
        const isRight = steps.every(({ kind }) => kind !== 'wrong')
        const isTaken = !isRefused || names.length === 0
        expect(hasSucceeded).toBe(isWhole && isRight && isTaken)
        if (hasSucceeded && names.length > 0) (isWritten ? wantedRows : wanted).push(names)
      })
      await Promise.all(runs)

      const published = backend.publishedEvents.map(({ name }) => name)
      expect(published).toHaveLength(wanted.flat().length)
      for (const names of wanted) {
        const from = published.indexOf(names[0] as string)
        expect(published.slice(from, from + names.length)).toEqual(names)
      }
      expect(rows.sort()).toEqual(wantedRows.sort())
    }),
    { numRuns: 200 },
  )
})
