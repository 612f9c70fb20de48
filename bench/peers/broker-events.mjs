// The events that are published and consumed, and what one takes the process and the server.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

export const NAME = 'order.placed'
/** So many are on their way at once, or are read at once. */
export const TOGETHER = 100
/** So many are stored at once where that is not what is measured. */
export const STORED_TOGETHER = 500
const KEYS = 100

export const dataAt = (index) => ({
  order: index,
  customer: `customer-${index % 1000}`,
  email: 'ada@example.com',
  totalCents: 4200 + (index % 97),
})

export const keyAt = (index) => `customer-${index % KEYS}`

/** An event as the bus hands it to a backend, and as long. */
export function storedAt(index, isKeyed = false) {
  const id = newId(index)
  return {
    id,
    name: NAME,
    data: dataAt(index),
    source: 'shop',
    time: Date.now(),
    correlationId: id,
    ...(isKeyed ? { key: keyAt(index) } : {}),
    priority: 50,
  }
}

/** As those of the bus are made of: the time, a number that rises, and chance. */
function newId(index) {
  const time = Date.now().toString(16).padStart(12, '0')
  const number = (index % 4096).toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${number}${randomUUID().slice(18)}`
}

/**
 * Begins to measure. The function that it gives ends that, and tells what one of so many events has taken: time, and
 * time of the processors in this process and in the server.
 */
export function beginMeasuring(serverPid) {
  const serverUs = cpuUsOf(serverPid)
  const cpu = process.cpuUsage()
  const start = performance.now()
  return (events) => {
    const wallUs = (performance.now() - start) * 1000
    const { user, system } = process.cpuUsage(cpu)
    return {
      wallUs: wallUs / events,
      cpuUs: (user + system) / events,
      serverUs: (cpuUsOf(serverPid) - serverUs) / events,
    }
  }
}

/** What a process has taken of the processors. Linux counts it in hundredths of a second. NaN elsewhere. */
export function cpuUsOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the command, in brackets, may have anything in it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10_000
  } catch {
    return Number.NaN
  }
}

/** Does something with the numbers from `from` to `to`, `TOGETHER` of them at once: the next one as soon as one has ended. */
export async function inFlight(from, to, doOne) {
  let next = from
  const work = async () => {
    while (next < to) await doOne(next++)
  }
  await Promise.all(Array.from({ length: TOGETHER }, work))
}

/** Does something with so many of the numbers at once, and with the next ones after it has ended. */
export async function inBatches(from, to, size, doBatch) {
  for (let at = from; at < to; at += size)
    await doBatch(Array.from({ length: Math.min(size, to - at) }, (_, index) => at + index))
}
