// Stores events in a new SQLite database, a hundred in a transaction, and prints how long one takes: by the clock, since
// the disk is waited for, and of the processor.
// Usage: node bus-sqlite.mjs <eventsets|by hand> <file>
import { EventBus, sqliteBackend } from 'eventsets/bus'
import Database from 'libsql'

const TOGETHER = 100
const WARM_UP_BATCHES = 20
const BATCHES = 200

const order = {
  id: 17,
  placedAt: '2026-01-31T12:00:00Z',
  customer: { id: 4711, name: 'Ada Lovelace', email: 'ada@example.com' },
  lines: [
    { sku: 'ABC-1001', title: 'A book on engines', count: 1, priceCents: 1999 },
    { sku: 'ABC-1002', title: 'A book on numbers', count: 2, priceCents: 2499 },
  ],
  status: 'placed',
}

/** Each gives a function that stores a batch and resolves when the disk has it, and one that counts what is stored. */
const WAYS = {
  eventsets(database) {
    const bus = new EventBus({ backend: sqliteBackend({ database }), source: 'shop' })
    const events = Array.from({ length: TOGETHER }, () => ({ name: 'order.placed', data: order }))
    return {
      store: () => bus.publishAll(events),
      count: () => count(database, 'eventsets_events'),
    }
  },
  // The same columns and the same kind of index, and nothing else.
  'by hand'(database) {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, key TEXT,
        priority INTEGER NOT NULL, deliver_at INTEGER, stored_at INTEGER NOT NULL, size INTEGER NOT NULL,
        body TEXT NOT NULL
      )`)
    const insert = database.prepare(`
      INSERT INTO events (id, name, key, priority, deliver_at, stored_at, size, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    const name = 'order.placed'
    const storeAll = database.transaction(() => {
      for (let index = 0; index < TOGETHER; index++) {
        const time = Date.now()
        const id = orderedId(time)
        const event = { id, name, data: order, source: 'shop', time, correlationId: id, priority: 50 }
        const body = JSON.stringify(event)
        insert.run(id, name, null, 50, null, time, body.length, body)
      }
    })
    return { store: async () => storeAll(), count: () => count(database, 'events') }
  },
}

let made = 0

const [way, file] = process.argv.slice(2)
const database = new Database(file)
const { store, count: countStored } = WAYS[way](database)
const walls = []
const cpus = []
for (let batch = 0; batch < WARM_UP_BATCHES + BATCHES; batch++) {
  const cpuStart = process.cpuUsage()
  const start = performance.now()
  await store()
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpuStart)
  if (batch < WARM_UP_BATCHES) continue
  walls.push((wallMs * 1000) / TOGETHER)
  cpus.push((user + system) / TOGETHER)
}
const expected = (WARM_UP_BATCHES + BATCHES) * TOGETHER
if (countStored() !== expected) throw new Error(`${countStored()} of ${expected} events were stored.`)
process.stdout.write(JSON.stringify({ wallUs: median(walls), cpuUs: median(cpus) }))

/** As long as a UUID of version 7, and in the order of time like those: random ones would take the index twice as long. */
function orderedId(time) {
  const digits = time.toString(16).padStart(12, '0') + String(made++).padStart(20, '0')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function count(database, table) {
  return database.prepare(`SELECT count(*) AS count FROM ${table}`).get().count
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
