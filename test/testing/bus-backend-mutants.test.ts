import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type {
  BackendFeatures,
  BusBackend,
  Consumer,
  DeadLetterStore,
  Delivery,
  Outcome,
  StoredEvent,
} from '../../src/bus/index.ts'
import { type MemoryBackendOptions, memoryBackend } from '../../src/bus/index.ts'
import { busBackendConformance, type MakeBackend } from '../../src/testing/index.ts'
import { root, temporaryFolder } from '../cli/run-cli.ts'

/** A backend that is broken in one way, the case that finds it, and what that says. */
interface Mutant {
  readonly title: string
  readonly make: MakeBackend
  readonly finds: string
  readonly says: RegExp
}

const mutants: readonly Mutant[] = [
  {
    title: 'loses one event of fifty',
    make: () => {
      let count = 0
      return mutant(({ publish }) => ({
        publish: (events) => publish(events.filter(() => ++count % 50 !== 0)),
      }))
    },
    finds: 'hands over every event once',
    says: /2 of 100 events have not been handed over/,
  },
  {
    title: 'hands over one event twice',
    make: () =>
      delivering(async (delivery, deliver) => {
        if ((delivery.event.data as { n: number }).n === 7) await deliver(delivery)
        return await deliver(delivery)
      }),
    finds: 'hands over every event once',
    says: /1 of 100 events were handed over more than once/,
  },
  {
    title: 'goes on handing over to a consumer that has stopped',
    make: () => consuming((consumption) => ({ ...consumption, stop: async () => {} })),
    finds: 'hands over every event once',
    says: /had stopped was handed an event|have not been handed over/,
  },
  {
    title: 'keeps only the first event of a publish',
    make: () => mutant(({ publish }) => ({ publish: (events) => publish(events.slice(0, 1)) })),
    finds: 'hands over events as they were published',
    says: /have not been handed over/,
  },
  {
    title: 'makes a prototype of "__proto__"',
    make: () =>
      delivering((delivery, deliver) => {
        const { event } = delivery
        const isObject = typeof event.data === 'object' && event.data !== null && !Array.isArray(event.data)
        const data = isObject ? Object.assign({}, event.data) : event.data
        return deliver({ ...delivery, event: { ...event, data } })
      }),
    finds: 'hands over events as they were published',
    says: /changes data of an event with the data "\{\\"__proto__/,
  },
  {
    title: 'forgets how deep an event is',
    make: () =>
      delivering((delivery, deliver) => {
        const { depth: _, ...event } = delivery.event
        return deliver({ ...delivery, event })
      }),
    finds: 'hands over events as they were published',
    says: /changes depth of an event/,
  },
  {
    title: 'cuts off long texts',
    make: () =>
      delivering((delivery, deliver) => {
        const data = JSON.parse(JSON.stringify(delivery.event.data), (_, value) =>
          typeof value === 'string' ? value.slice(0, 2 ** 19) : value,
        )
        return deliver({ ...delivery, event: { ...delivery.event, data } })
      }),
    finds: 'hands over data of a MiB',
    says: /data are not what they were/,
  },
  {
    title: 'does not take an empty list',
    make: () =>
      mutant(({ publish }) => ({
        publish: async (events) => {
          if (events.length === 0) throw new Error('nothing to do')
          await publish(events)
        },
      })),
    finds: 'takes no events at all without a word',
    says: /nothing to do/,
  },
  {
    title: 'takes what comes before an event that it refuses',
    make: () =>
      mutant(({ publish }) => ({
        publish: async (events) => {
          for (const event of events) {
            JSON.stringify(event)
            await publish([event])
          }
        },
      })),
    finds: 'takes all or none of what is published together',
    says: /refused 3 events that were published together, and handed over 1 of them/,
  },
  {
    title: 'hands over the data of the event before',
    make: () => {
      let last: unknown
      return delivering((delivery, deliver) => {
        const { event } = delivery
        const data = last ?? event.data
        last = event.data
        return deliver({ ...delivery, event: { ...event, data } })
      })
    },
    finds: 'hands over what the patterns of a consumer match, and mixes up no names',
    says: /data of another one/,
  },
  {
    title: 'takes an event for handled before its handler has ended',
    make: () =>
      delivering(async (delivery, deliver) => {
        void deliver(delivery)
        return { deadLetters: [] }
      }),
    finds: 'hands a consumer no more than it has hands for, and no less',
    says: /before the promise of deliver\(\) has settled/,
  },
  {
    title: 'hands over one event at a time only',
    make: () =>
      mutant(({ consume }) => ({
        consume: (consumer) => consume({ ...asObject(consumer), concurrency: 1 }),
      })),
    finds: 'hands a consumer no more than it has hands for, and no less',
    says: /with 3 hands has had 1 deliveries in hand at most/,
  },
  {
    title: 'serves only one consumer of a group',
    make: () => {
      const groups = new Set<string>()
      return mutant(({ consume }) => ({
        consume: async (consumer) => {
          if (groups.has(consumer.group)) return { stop: async () => {} }
          groups.add(consumer.group)
          return await consume({ ...asObject(consumer), concurrency: 10 })
        },
      }))
    },
    finds: 'lets all consumers of a group have their share',
    says: /only 1 of 4 consumers/,
  },
  {
    title: 'loses what comes while many publish',
    make: () => {
      let busy = 0
      return mutant(({ publish }) => ({
        publish: async (events) => {
          if (++busy < 40) await publish(events)
          await new Promise((resolve) => setImmediate(resolve))
          busy--
        },
      }))
    },
    finds: 'loses nothing between many publishers and many consumers',
    says: /of 1000 events have not been handed over/,
  },
  {
    title: 'gives each event to one group only',
    make: () => {
      const taken = new Set<string>()
      return delivering(async (delivery, deliver) => {
        if (taken.has(delivery.event.id)) return { deadLetters: [] }
        taken.add(delivery.event.id)
        return await deliver(delivery)
      })
    },
    finds: 'gives every group all events',
    says: /of 50 events have not been handed over/,
  },
  {
    title: 'lets all groups wait for one that is stuck',
    make: () => {
      let last: Promise<unknown> = Promise.resolve()
      return delivering((delivery, deliver) => {
        const outcome = last.then(() => deliver(delivery))
        last = outcome
        return outcome
      })
    },
    finds: 'lets no group wait for another',
    says: /50 of 50 events have not been handed over/,
  },
  {
    title: 'takes groups for the same whose names differ in a sign',
    make: () =>
      mutant(({ consume }) => ({
        consume: (consumer) =>
          consume({ ...asObject(consumer), group: consumer.group.replaceAll(/[^\w{}]/g, '-') }),
      })),
    finds: 'serves groups whatever they are called',
    says: /of 3 events have not been handed over/,
  },
  {
    title: 'cuts off the names of groups',
    make: () =>
      mutant(({ consume }) => ({
        consume: (consumer) => consume({ ...asObject(consumer), group: consumer.group.slice(0, 100) }),
      })),
    finds: 'serves groups whatever they are called',
    says: /health\(\) does not know the groups "xxx/,
  },
  {
    title: 'forgets a group that nobody consumes for',
    make: () =>
      consuming((consumption) => ({ ...consumption, stop: async () => void consumption.drain?.(0) })),
    finds: 'keeps for a group what comes while nobody consumes',
    says: /has not ended|have not been handed over/,
  },
  {
    title: 'keeps a thousand events and drops the rest',
    make: () =>
      mutant(({ publish, health }) => ({
        publish: async (events) => {
          if ((await health()).queueDepth < 1000) await publish(events)
        },
      })),
    finds: 'works off a large backlog',
    says: /1000 of 2000 events have not been handed over/,
  },
  {
    title: 'says nothing of what it cannot read',
    make: () => ({ backend: memoryBackend(), poison: async () => {} }),
    finds: 'goes on when something is stored that is no event',
    says: /Nobody was told of it/,
  },
  {
    title: 'never tries again',
    make: () => outcomes((outcome) => ({ ...outcome, retry: undefined })),
    finds: 'hands over again what is to be tried again, as the outcome says',
    says: /1 of 1 events have not been handed over/,
  },
  {
    title: 'forgets that a handler had begun',
    make: () =>
      outcomes(({ retry, deadLetters }) => ({
        deadLetters,
        retry: retry && { ...retry, isRedelivered: undefined },
      })),
    finds: 'hands over again what is to be tried again, as the outcome says',
    says: /Delivery 2 has isRedelivered false, and true was asked for/,
  },
  {
    title: 'tries again with all handlers',
    make: () => delivering((delivery, deliver) => deliver({ ...delivery, handlers: undefined })),
    finds: 'hands over again what is to be tried again, as the outcome says',
    says: /Delivery 2 is for all handlers, and mail,stock was asked for/,
  },
  {
    title: 'counts deliveries instead of the attempts it is told',
    make: () => {
      const counts = new Map<string, number>()
      return delivering((delivery, deliver) => {
        const attempt = (counts.get(delivery.event.id) ?? 0) + 1
        counts.set(delivery.event.id, attempt)
        return deliver({ ...delivery, attempt })
      })
    },
    finds: 'hands over again what is to be tried again, as the outcome says',
    says: /Delivery 4 has the attempt 4, and 2 was asked for/,
  },
  {
    title: 'tries again at once',
    make: () =>
      outcomes(({ retry, deadLetters }) => ({ deadLetters, retry: retry && { ...retry, delayMs: 0 } })),
    finds: 'does not hand over again before the delay is over, and does the rest meanwhile',
    says: /ms, and 60 ms were asked for/,
  },
  {
    title: 'gives up after ten times',
    make: () => outcomes((outcome) => ((outcome.retry?.attempt ?? 0) > 10 ? { deadLetters: [] } : outcome)),
    finds: 'never gives up by itself',
    says: /have not been handed over/,
  },
  {
    title: 'loses what fails while its consumer stops',
    make: () => {
      let isStopping = false
      return mutant(({ consume }) => ({
        consume: async (consumer) => {
          const consumption = await consume({
            ...asObject(consumer),
            deliver: async (delivery) => {
              const outcome = await consumer.deliver(delivery)
              return isStopping ? { deadLetters: [] } : outcome
            },
          })
          isStopping = false
          return {
            ...consumption,
            stop: async (deadlineMs) => {
              isStopping = true
              await consumption.stop(deadlineMs)
            },
          }
        },
      }))
    },
    finds: 'loses nothing when consumers fail, and leave',
    says: /have not been handed over|deliveries of failing events have come/,
  },
  {
    title: 'ignores when an event is to be delivered',
    make: () =>
      mutant(({ publish }) => ({
        publish: (events) => publish(events.map(({ deliverAt: _, ...event }) => event)),
      })),
    finds: 'hands over what is published for later, and not before',
    says: /ms too early/,
  },
  {
    title: 'takes events for later, and does not say so',
    make: () => mutant(() => ({ features: { ...memoryBackend().features, delay: false } })),
    finds: 'hands over what is published for later, and not before',
    says: /takes an event for later all the same/,
  },
  {
    title: 'does not look at the key',
    make: () => {
      const keys = new Map<string, string | undefined>()
      return mutant(({ publish, consume }) => ({
        publish: (events) => {
          for (const { id, key } of events) keys.set(id, key)
          return publish(events.map(({ key: _, ...event }) => event))
        },
        consume: (consumer) =>
          consume({
            ...asObject(consumer),
            deliver: (delivery) =>
              consumer.deliver({
                ...delivery,
                event: { ...delivery.event, key: keys.get(delivery.event.id) },
              }),
          }),
      }))
    },
    finds: 'hands over events of one key one after another',
    says: /Two events of one key were in hand at once/,
  },
  {
    title: 'lets events overtake one of their key that is tried again',
    make: () => {
      const backend = memoryBackend()
      return {
        ...backend,
        consume: (consumer) =>
          backend.consume({
            ...asObject(consumer),
            deliver: async (delivery) => {
              const { retry, deadLetters } = await consumer.deliver(delivery)
              if (!retry) return { deadLetters }
              const { group } = consumer
              const letter = { ...letterOf(delivery), group, handler: retry.handlers[0] }
              // What is replayed comes as a first try; say so.
              setTimeout(async () => {
                await backend.deadLetters.add([letter])
                await backend.deadLetters.replay([letter.id])
              }, retry.delayMs)
              return { deadLetters }
            },
          }),
      }
    },
    finds: 'keeps the order of a key when events are tried again',
    says: /was handled after event|have not been handed over/,
  },
  {
    title: 'lets all keys wait for one',
    make: () => {
      const keyed = (event: StoredEvent) => (event.key === undefined ? event : { ...event, key: 'one' })
      const keys = new Map<string, string | undefined>()
      return mutant(({ publish, consume }) => ({
        publish: (events) => {
          for (const { id, key } of events) keys.set(id, key)
          return publish(events.map(keyed))
        },
        consume: (consumer) =>
          consume({
            ...asObject(consumer),
            deliver: (delivery) =>
              consumer.deliver({
                ...delivery,
                event: { ...delivery.event, key: keys.get(delivery.event.id) },
              }),
          }),
      }))
    },
    finds: 'lets no key wait for another',
    says: /20 of 20 events have not been handed over/,
  },
  {
    title: 'forgets what is given up',
    make: () => outcomes(({ retry }) => ({ retry, deadLetters: [] })),
    finds: 'keeps what is given up, with all that was said about it',
    says: /does not keep "event" of a dead letter/,
  },
  {
    title: 'forgets why something was given up',
    make: () =>
      outcomes(({ retry, deadLetters }) => ({
        retry,
        deadLetters: deadLetters.map((letter) => ({ ...letter, reason: 'failed' })),
      })),
    finds: 'keeps what is given up, with all that was said about it',
    says: /does not keep "reason"/,
  },
  {
    title: 'keeps what is given up only when nothing is tried again',
    make: () => outcomes(({ retry, deadLetters }) => ({ retry, deadLetters: retry ? [] : deadLetters })),
    finds: 'keeps what is given up while the rest is tried again',
    says: /There are 0 dead letters, and one was given/,
  },
  {
    title: 'lists the newest dead letter first',
    make: () => storing(({ list }) => ({ list: async (query) => (await list(query)).reverse() })),
    finds: 'lists dead letters, the oldest first, by pattern and not more than asked for',
    says: /list\(\) gives the letters 4,3,2,1,0/,
  },
  {
    title: 'does not look at the limit of a list',
    make: () => storing(({ list }) => ({ list: ({ limit: _, ...query } = {}) => list(query) })),
    finds: 'lists dead letters, the oldest first, by pattern and not more than asked for',
    says: /list\(\{ limit: 2 \}\) gives the letters 0,1,2,3,4/,
  },
  {
    title: 'says that it has dropped what is not there',
    make: () => storing(({ drop }) => ({ drop: async (id) => (await drop(id)) || true })),
    finds: 'drops dead letters',
    says: /after it was dropped/,
  },
  {
    title: 'replays a letter with all handlers',
    make: () =>
      delivering((delivery, deliver) =>
        deliver({ ...delivery, handlers: delivery.attempt === 1 ? undefined : delivery.handlers }),
      ),
    finds: 'hands a dead letter that is replayed to its handler, and to no other group',
    says: /letters that were replayed have not been handed over|was handed to all handlers/,
  },
  {
    title: 'replays a letter in all groups',
    make: () =>
      storing(({ list, add, drop }, backend) => ({
        replay: async (ids) => {
          const letters = (await list()).filter(({ id }) => ids.includes(id))
          for (const { id } of letters) await drop(id)
          const everywhere = letters.map(({ group: _, ...letter }) => letter)
          await add(everywhere)
          return await backend.deadLetters.replay(everywhere.map(({ id }) => id))
        },
      })),
    finds: 'hands a dead letter that is replayed to its handler, and to no other group',
    says: /handed to another group/,
  },
  {
    title: 'keeps a letter that is replayed',
    make: () =>
      storing(({ get, add, replay }) => ({
        replay: async (ids) => {
          const letters = await Promise.all(ids.map(get))
          const count = await replay(ids)
          await add(letters.flatMap((letter) => letter ?? []))
          return count
        },
      })),
    finds: 'hands a dead letter that is replayed to its handler, and to no other group',
    says: /Letters that were replayed are still there/,
  },
  {
    title: 'does not keep letters that are added',
    make: () => storing(() => ({ add: async () => {} })),
    finds: 'keeps and replays letters that no delivery has led to',
    says: /There are 0 letters after two were added/,
  },
  {
    title: 'says that it replays, and cannot',
    make: () => mutant(() => ({ replay: undefined as never })),
    finds: 'says what it is called and what it can',
    says: /says that "replay" is true, and has not the method/,
  },
  {
    title: 'can replay, and does not say so',
    make: () => mutant(() => ({ features: { ...memoryBackend().features, replay: false } })),
    finds: 'says what it is called and what it can',
    says: /says that "replay" is false, and has the method/,
  },
  {
    title: 'does not say whether it is durable',
    make: () => {
      const { durable: _, ...features } = memoryBackend().features
      return mutant(() => ({ features: features as BackendFeatures }))
    },
    finds: 'says what it is called and what it can',
    says: /does not say whether it has "durable"/,
  },
  {
    title: 'keeps too little history',
    make: () => memoryBackend({ historySize: 100 }),
    finds: 'replays what was published, the oldest first',
    says: /It replays 100 of 250 events/,
  },
  {
    title: 'replays the newest event first',
    make: () => replaying(async (events) => events.reverse()),
    finds: 'replays what was published, the oldest first',
    says: /another order/,
  },
  {
    title: 'replays without the event of the given time',
    make: () =>
      replaying(async (events, { to }) => events.filter(({ time }) => to === undefined || time < to)),
    finds: 'replays by time, by pattern, and after an event',
    says: /Replay to a time, which counts, gives the events 0,1, not 0,1,2/,
  },
  {
    title: 'replays everything after an event it does not know',
    make: () =>
      mutant(({ replay }) => ({
        async *replay({ afterId, ...query }) {
          yield* replay?.(afterId === 'no-such-event' ? query : { ...query, afterId }) ?? []
        },
      })),
    finds: 'replays by time, by pattern, and after an event',
    says: /nobody knows which are missing/,
  },
  {
    title: 'does not end a replay',
    make: () =>
      mutant(({ replay }) => ({
        async *replay({ signal: _, ...query }) {
          yield* replay?.(query) ?? []
        },
      })),
    finds: 'ends a replay when its signal is aborted, or its reader leaves',
    says: /went on to the end/,
  },
  {
    title: 'says that it knows repetitions, and does not',
    make: () => memoryBackend({ rememberedIds: 0 }),
    finds: 'does not hand over an event again that is published again',
    says: /3 of 6 events were handed over more than once/,
  },
  {
    title: 'does not wait for what is in hand',
    make: () => consuming((consumption) => ({ ...consumption, stop: () => consumption.stop(0) })),
    finds: 'stops a consumer when it has ended with what it has in hand',
    says: /stop\(\) has ended while deliveries were in hand/,
  },
  {
    title: 'waits for what is in hand for ever',
    make: () => consuming((consumption) => ({ ...consumption, stop: () => consumption.stop(2 ** 30) })),
    finds: 'stops a consumer at its deadline, whatever it has in hand',
    says: /stop\(0\) while a delivery never ends has not ended/,
  },
  {
    title: 'cannot stop what has stopped',
    make: () =>
      consuming((consumption) => {
        let hasStopped = false
        return {
          ...consumption,
          stop: async (deadlineMs) => {
            if (hasStopped) throw new Error('stopped already')
            hasStopped = true
            await consumption.stop(deadlineMs)
          },
        }
      }),
    finds: 'stops a consumer twice without harm',
    says: /stopped already/,
  },
  {
    title: 'loses what is in hand while consumers come and go',
    make: () => {
      let stops = 0
      return mutant(({ consume, publish }) => ({
        publish: (events) => publish(stops > 3 ? events.slice(1) : events),
        consume: async (consumer) => {
          const consumption = await consume(consumer)
          return {
            ...consumption,
            stop: (deadlineMs) => {
              stops++
              return consumption.stop(deadlineMs)
            },
          }
        },
      }))
    },
    finds: 'survives consumers that begin and stop at the same time',
    says: /1 of 50 events have not been handed over/,
  },
  {
    title: 'is durable and drains all the same',
    make: () => mutant(() => ({ features: { ...memoryBackend().features, durable: true } })),
    finds: 'drains a group, and tells what is lost',
    says: /durable, and has drain\(\)/,
  },
  {
    title: 'loses what waits without a word',
    make: () =>
      consuming((consumption) => ({
        ...consumption,
        drain: async (deadlineMs) => {
          await consumption.drain?.(deadlineMs)
          return 0
        },
      })),
    finds: 'drains a group, and tells what is lost',
    says: /drain\(\) says that 0 events are lost, and 4 have waited/,
  },
  {
    title: 'goes on handing over after it was closed',
    make: () => mutant(() => ({ close: async () => {} })),
    finds: 'closes twice, and while it is at work',
    says: /by a backend that was closed/,
  },
  {
    title: 'takes events after it was closed',
    make: () => mutant(({ publish }) => ({ publish: (...args) => publish(...args).catch(() => {}) })),
    finds: 'takes nothing and serves nobody once it is closed',
    says: /publish\(\) resolves after close\(\)/,
  },
  {
    title: 'says that nothing waits',
    make: () => mutant(({ health }) => ({ health: async () => ({ ...(await health()), queueDepth: 0 }) })),
    finds: 'says how it is',
    says: /says that 0 events wait, and there are 8/,
  },
  {
    title: 'says nothing of its groups',
    make: () => mutant(({ health }) => ({ health: async () => ({ ...(await health()), groups: [] }) })),
    finds: 'says how it is',
    says: /says nothing of the group/,
  },
  {
    title: 'says of each group what there is in all groups',
    make: () =>
      mutant(({ health }) => ({
        health: async () => {
          const all = await health()
          return { ...all, groups: all.groups.map((group) => ({ ...group, queueDepth: all.inFlight })) }
        },
      })),
    finds: 'says how it is',
    says: /says of the group that 2 events are in hand and 2 wait/,
  },
  {
    title: 'says that it is durable, and cannot be opened again',
    make: () => durable(),
    finds: 'has what was not handled after it was opened again',
    says: /needs "reopen"/,
  },
  {
    title: 'says that it is durable, and is empty when it is opened again',
    make: () => ({ backend: durable(), reopen: () => durable() }),
    finds: 'has what was not handled after it was opened again',
    says: /of 201 events have not been handed over/,
  },
  {
    title: 'loses what is to be tried again when it is opened again',
    make: () => ({ backend: durable(), reopen: () => durable() }),
    finds: 'has what is to be tried again after it was opened again',
    says: /5 of 5 events have not been handed over/,
  },
  {
    title: 'loses dead letters when it is opened again',
    make: () => ({ backend: durable(), reopen: () => durable() }),
    finds: 'has dead letters and history after it was opened again',
    says: /have not been handed over|dead letters are not those/,
  },
  {
    title: 'says that it takes over, and nobody can try',
    make: () => mutant(() => ({ features: { ...memoryBackend().features, durable: true, takeover: true } })),
    finds: 'hands to another what a process held that was killed',
    says: /needs "startVictim"/,
  },
  {
    title: 'leaves with the dead what they held',
    make: () => {
      const backend = mutant(() => ({
        features: { ...memoryBackend().features, durable: true, takeover: true },
      }))
      return { backend, startVictim: (group) => victimOf(backend, group) }
    },
    finds: 'hands to another what a process held that was killed',
    says: /1 of 20 events have not been handed over/,
  },
  {
    title: 'takes it for a crash when it is closed',
    make: () => {
      const stored = memoryBackend()
      const open = (): BusBackend => {
        let close = () => {}
        const closed = new Promise<void>((resolve) => {
          close = resolve
        })
        return {
          ...stored,
          features: { ...stored.features, durable: true },
          consume: async (consumer) => {
            const consumption = await stored.consume({
              ...asObject(consumer),
              deliver: (delivery) =>
                Promise.race([
                  consumer.deliver(delivery),
                  closed.then(() => {
                    const { attempt, event } = delivery
                    const { group } = consumer
                    const letter = { ...letterOf(delivery), group, handler: undefined, id: event.id }
                    return attempt < 3
                      ? { deadLetters: [], retry: { handlers: [], delayMs: 0, attempt: attempt + 1 } }
                      : { deadLetters: [letter] }
                  }),
                ]),
            })
            void closed.then(() => consumption.stop(0))
            return consumption
          },
          close: async () => close(),
        }
      }
      return { backend: open(), reopen: open }
    },
    finds: 'hands back what is in hand when it is closed, and blames it for nothing',
    says: /after 3 times, 0 of 3 events have been handed over again/,
  },
  {
    title: 'gives up all that was in hand when a process has died',
    make: () => {
      const backend = mutant(() => ({
        features: { ...memoryBackend().features, durable: true, takeover: true },
      }))
      return { backend, startMortal: (group, lethalName) => mortalOn(backend, group, lethalName) }
    },
    finds: 'gives up what kills those who handle it, and nothing beside it',
    says: /events were given up that were in hand beside the one that killed/,
  },
  {
    title: 'never gives up what kills its process',
    make: () => {
      const backend = mutant(() => ({
        features: { ...memoryBackend().features, durable: true, takeover: true },
      }))
      const startMortal = async () => ({ died: async () => {}, kill: async () => {} })
      return { backend, startMortal }
    },
    finds: 'gives up what kills those who handle it, and nothing beside it',
    says: /10 processes have died over an event, and it was not given up/,
  },
  {
    title: 'takes one event after the other of those that are published together',
    make: () => {
      const backend = memoryBackend()
      return { backend, startPublisher: (name, size) => publisherOn(backend, name, size) }
    },
    finds: 'takes all or none of what a publisher was at that was killed',
    says: /7 of 200 events were taken that were published together/,
  },
  {
    title: 'loses events while its server is away',
    make: () => {
      let isAway = false
      const backend = mutant(({ publish }) => ({
        publish: async (events) => {
          if (!isAway) await publish(events)
          await new Promise((resolve) => setImmediate(resolve))
        },
      }))
      const restart = async () => {
        isAway = true
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
        isAway = false
      }
      return { backend, restart }
    },
    finds: 'loses nothing when its server is restarted',
    says: /of 300 events have not been handed over/,
  },
  {
    title: 'runs handlers of low priority before others are through',
    make: () =>
      outcomes(({ retry, deadLetters }) => ({
        deadLetters,
        retry: retry && { ...retry, handlers: retry.handlers.slice(0, 1) },
      })),
    finds: 'carries a bus: priorities, retries and dead letters',
    says: /The handlers ran as charge 1,charge 2,charge 3, not as/,
  },
]

describe('the suite', () => {
  it.each(mutants)('finds a backend that $title', async ({ make, finds, says }) => {
    const [found] = busBackendConformance(make, { timeoutMs: 400 }).filter(({ name }) => name === finds)

    await expect(found?.run()).rejects.toThrow(says)
  })

  it('has a mutant for each of its cases, but for those that put others together', () => {
    const names = busBackendConformance(memoryBackend).map(({ name }) => name)
    const found = new Set(mutants.map(({ finds }) => finds))

    expect(names.filter((name) => !found.has(name))).toEqual([
      'keeps the order of a key while consumers come and go',
      'carries transactions: all of the events, or none',
      'does all of this at the same time',
    ])
  })

  it('finds what is lost while much happens at the same time', async () => {
    let count = 0
    const make = () =>
      mutant(({ publish }) => ({
        publish: (events) => publish(events.filter(() => ++count % 500 !== 0)),
      }))
    const all = busBackendConformance(make, { timeoutMs: 2000 }).at(-1)

    await expect(all?.run()).rejects.toThrow(/have not been handed over/)
  })

  it('finds rejections that nobody handles', () => {
    const { stdout } = runScript(`
      const make = () => {
        const backend = memoryBackend()
        return { ...backend, publish: (events) => { Promise.reject(new Error('stray')); return backend.publish(events) } }
      }
      const [first] = busBackendConformance(make).filter(({ name }) => name === 'hands over every event once')
      await first.run().catch((error) => console.log(error.message))`)

    expect(stdout).toContain('A rejection that nobody handles: Error: stray.')
  })

  it('puts the given name before the names of its cases', () => {
    const names = busBackendConformance('memory', memoryBackend).map(({ name }) => name)

    expect(names).toContain('memory hands over every event once')
    expect(new Set(names).size).toBe(names.length)
  })

  it('passes the memory backend with node:test', () => {
    const { stdout, status } = runScript(
      `import { test } from 'node:test'
       const quick = busBackendConformance(() => memoryBackend()).slice(0, 8)
       for (const { name, run } of quick) test(name, run)`,
      ['--test', '--test-reporter=tap'],
    )

    expect(stdout).toMatch(/^# pass 8$/m)
    expect(status).toBe(0)
  })

  it('puts away what was made for a case, whatever has become of it', async () => {
    const disposed: string[] = []
    const make = (title: string) => () => ({
      backend: memoryBackend(),
      dispose: () => void disposed.push(title),
    })
    const [good] = busBackendConformance(make('good'))
    const [bad] = busBackendConformance(() => ({ ...make('bad')(), backend: mutant(() => ({ name: '' })) }))

    await good?.run()
    await expect(bad?.run()).rejects.toThrow('It has no name.')

    expect(disposed).toEqual(['good', 'bad'])
  })
})

/** A memory backend of which something is different. */
function mutant(change: (backend: BusBackend) => Partial<BusBackend>): BusBackend {
  const backend = memoryBackend()
  return { ...backend, ...change(backend) }
}

function durable(options: MemoryBackendOptions = {}): BusBackend {
  const backend = memoryBackend(options)
  return { ...backend, features: { ...backend.features, durable: true } }
}

/** Stands between the backend and its consumers. */
function delivering(
  change: (delivery: Delivery, deliver: (delivery: Delivery) => Promise<Outcome>) => Promise<Outcome>,
): BusBackend {
  return mutant(({ consume }) => ({
    consume: (consumer) =>
      consume({
        ...asObject(consumer),
        deliver: (delivery) => change(delivery, (given) => consumer.deliver(given)),
      }),
  }))
}

function outcomes(change: (outcome: Outcome) => Outcome): BusBackend {
  return delivering(async (delivery, deliver) => change(await deliver(delivery)))
}

function consuming(
  change: (
    consumption: Awaited<ReturnType<BusBackend['consume']>>,
  ) => Awaited<ReturnType<BusBackend['consume']>>,
): BusBackend {
  return mutant(({ consume }) => ({ consume: async (consumer) => change(await consume(consumer)) }))
}

function storing(
  change: (store: DeadLetterStore, backend: BusBackend) => Partial<DeadLetterStore>,
): BusBackend {
  return mutant((backend) => ({
    deadLetters: { ...backend.deadLetters, ...change(backend.deadLetters, backend) },
  }))
}

function replaying(
  change: (
    events: StoredEvent[],
    query: Parameters<NonNullable<BusBackend['replay']>>[0],
  ) => Promise<readonly StoredEvent[]>,
): BusBackend {
  return mutant(({ replay }) => ({
    async *replay(query) {
      const events = []
      for await (const event of replay?.(query) ?? []) events.push(event)
      yield* await change(events, query)
    },
  }))
}

/** A consumer as a plain object, so that a part of it can be another one. */
function asObject(consumer: Consumer): Consumer {
  return {
    group: consumer.group,
    concurrency: consumer.concurrency,
    patterns: () => consumer.patterns(),
    deliver: (delivery) => consumer.deliver(delivery),
    onError: (error) => consumer.onError(error),
  }
}

function letterOf({ event, attempt }: Delivery) {
  return { id: `${event.id}-${attempt}`, event, reason: 'again', attempts: attempt, time: event.time }
}

/** Holds what it is handed for ever, as a dead process does that nobody misses. */
async function victimOf(backend: BusBackend, group: string) {
  let onDelivery = () => {}
  const delivered = new Promise<void>((resolve) => {
    onDelivery = resolve
  })
  const consumption = await backend.consume({
    group,
    concurrency: 1,
    patterns: () => ['*'],
    deliver: () => {
      onDelivery()
      return new Promise(() => {})
    },
    onError: () => {},
  })
  return { holds: () => delivered, kill: () => consumption.stop(0) }
}

/** As a process that dies over an event, and whose backend thinks that everything in its hands was to blame. */
async function mortalOn(backend: BusBackend, group: string, lethalName: string) {
  let isDead = false
  let die = () => {}
  const death = new Promise<void>((resolve) => {
    die = resolve
  })
  const consumption = await backend.consume({
    group,
    concurrency: 10,
    patterns: () => ['*'],
    deliver: async (delivery) => {
      if (delivery.event.name === lethalName) {
        isDead = true
        die()
      }
      await new Promise((resolve) => setImmediate(resolve))
      return { deadLetters: isDead ? [{ ...letterOf(delivery), group, handler: undefined }] : [] }
    },
    onError: () => {},
  })
  return { died: () => death, kill: () => consumption.stop(0) }
}

/** As a process that is killed in the middle of its third publish, of which a part is stored. */
async function publisherOn(backend: BusBackend, name: string, size: number) {
  const publish = (batch: number, count: number) => {
    const said = { name, source: 'test', time: 0, correlationId: 'c', priority: 50 }
    const events = Array.from({ length: count }, (_, n) => ({
      id: `${name}-${batch}-${n}`,
      data: { batch, n },
      ...said,
    }))
    return backend.publish(events)
  }
  for (const [batch, count] of [size, size, 7].entries()) await publish(batch, count)
  return { published: async () => {}, kill: async () => {} }
}

/** Runs a program with the package as it is built. */
function runScript(text: string, args: readonly string[] = []) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  const file = join(folder, 'suite.test.mjs')
  const imports = `import { memoryBackend } from 'eventsets/bus'\nimport { busBackendConformance } from 'eventsets/testing'`
  writeFileSync(file, `${imports}\n${text}\n`)
  return spawnSync(process.execPath, [...args, file], { encoding: 'utf8', cwd: folder })
}
