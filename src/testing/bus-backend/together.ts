import { EventBus } from '../../bus/bus.ts'
import { Priority } from '../../bus/event.ts'
import { crowd, handOverAll, separateNames, serveGroups } from './delivery.ts'
import { keepOrder } from './order.ts'
import type { Trial, TrialCase } from './trial.ts'
import { tryAgain } from './trying-again.ts'

/** All of it together. */
export const togetherCases: readonly TrialCase[] = [
  { name: 'carries a bus: priorities, retries and dead letters', run: carryBus },
  { name: 'carries transactions: all of the events, or none', run: carryTransactions },
  { name: 'does all of this at the same time', run: doAll },
]

async function carryBus(trial: Trial): Promise<void> {
  const [paid, log] = [trial.name('paid'), [] as string[]]
  const { group, bus } = openBus(trial)
  let isBroken = true
  bus.on(
    paid,
    (_, { attempt }) => {
      log.push(`charge ${attempt}`)
      if (attempt < 3) throw new Error('not yet')
    },
    { name: 'charge', priority: Priority.CRITICAL, retry: { maxAttempts: 3, baseDelayMs: 1 } },
  )
  bus.on(
    paid,
    (_, { attempt }) => {
      log.push(`mail ${attempt}`)
      if (isBroken) throw new Error('no route')
    },
    { name: 'mail', priority: Priority.LOW, retry: { maxAttempts: 2, baseDelayMs: 1 } },
  )
  await bus.start()
  await bus.publish(paid, { id: 17 }, { key: '17' })
  await trial.within(bus.idle(), 'idle()')
  const expected = 'charge 1,charge 2,charge 3,mail 1,mail 2'
  trial.expect(String(log) === expected, `The handlers ran as ${log}, not as ${expected}.`)
  const [letter, ...more] = await bus.deadLetters.list()
  trial.expect(more.length === 0 && letter?.handler === 'mail', 'There is not one dead letter, of "mail".')
  trial.expect(letter?.group === group, 'The dead letter does not know its group.')
  trial.expect(letter?.attempts === 2, `The dead letter counts ${letter?.attempts} attempts, not 2.`)
  isBroken = false
  if (letter) await bus.deadLetters.replay(letter.id)
  await trial.within(bus.idle(), 'idle()')
  trial.expect(String(log.slice(5)) === 'mail 1', `The replayed letter ran ${log.slice(5)}, not mail 1.`)
  trial.expect((await bus.deadLetters.list()).length === 0, 'The letter is still there.')
  await trial.within(bus.close(), 'close()')
}

async function carryTransactions(trial: Trial): Promise<void> {
  const [name, seen] = [trial.name(), [] as unknown[]]
  const { bus } = openBus(trial)
  bus.on(name, ({ data }) => void seen.push(data))
  await bus.start()
  await bus.transaction(async (tx) => {
    await tx.publish(name, 1)
    await tx.publish(name, 2)
  })
  const failing = bus.transaction(async (tx) => {
    await tx.publish(name, 3)
    throw new Error('undone')
  })
  await failing.catch(() => {})
  await trial.within(bus.idle(), 'idle()')
  trial.expect(String(seen.sort()) === '1,2', `The events ${seen} were handled, not 1 and 2.`)
  await trial.within(bus.close(), 'close()')
}

function openBus(trial: Trial): { readonly group: string; readonly bus: EventBus } {
  const group = trial.group()
  const bus = new EventBus({ backend: trial.backend, source: 'conformance', group, onError: () => {} })
  return { group, bus }
}

/** Each with names and groups of its own, on one backend. */
async function doAll(trial: Trial): Promise<void> {
  const runs = [
    separateNames,
    crowd,
    serveGroups,
    tryAgain,
    handOverAll,
    (each: Trial) => keepOrder(each, (n) => n % 5 === 1),
  ]
  const work = runs
    .flatMap((run) => [run, run])
    .map(async (run) => {
      const fork = trial.fork()
      await run(fork)
      trial.add(fork)
    })
  await Promise.all(work)
}
