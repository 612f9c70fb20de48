import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BusEvent, EventBus } from '../../src/bus/index.ts'
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
  | { readonly kind: 'pause' | 'resume' }

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
)

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
            ends.push(bus.on(pattern, handlers[handler] as never, options))
            subscriptions.push(model.on({ pattern, handler, priority: priority ?? 50, once }))
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
            await bus.publish(each.name, index)
            model.publish(each.name, index)
            break
          case 'emit':
            await bus.emit(each.name, index)
            model.emit(each.name, index)
            break
          case 'pause':
          case 'resume':
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
      await expect(bus.emit('a', 1)).rejects.toMatchObject({ code: 'EVENTSETS_BUS_CLOSED' })
    }),
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
})

test('it publishes all events of a transaction together and in order, or none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 5 }), async (transactions) => {
      const backend = recordingBackend()
      await using bus = new EventBus({ backend })
      const wanted: string[][] = []

      const runs = transactions.map(async ({ steps, throwsAt }, number) => {
        const names: string[] = []
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
        })
        const hasSucceeded = await run.then(
          () => true,
          () => false,
        )
        expect(hasSucceeded).toBe(throwsAt === null || throwsAt >= steps.length)
        if (hasSucceeded) wanted.push(names)
      })
      await Promise.all(runs)

      const published = backend.publishedEvents.map(({ name }) => name)
      expect(published).toHaveLength(wanted.flat().length)
      for (const names of wanted) {
        const from = names.length === 0 ? 0 : published.indexOf(names[0] as string)
        expect(published.slice(from, from + names.length)).toEqual(names)
      }
    }),
    { numRuns: 200 },
  )
})
