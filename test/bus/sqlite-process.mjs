// What the tests of the SQLite backend and of outboxes do in processes of their own, so that these can be killed at any
// moment:
//
//   node --import ../../scripts/from-clone.mjs sqlite-process.mjs <role> <options as JSON>
//
// A process tells its parent what it has done by messages, and what must not be lost by lines in a file, each of which
// is on the disk before it goes on.
import Database from 'libsql'
import { EventBus, postgresOutbox, sqliteBackend, sqliteOutbox, startRelay } from '../../dist/bus/index.js'
import { die, heard, play, tell } from '../bus-backends/child.mjs'
import { openLedger } from '../bus-backends/open-ledger.mjs'
import { rolesOf } from '../bus-backends/roles.mjs'

await play({
  ...rolesOf({ EventBus, open }),
  finish,
  lock,
  transact,
  transactPostgres,
  relay,
})

/** Publishes and handles an event, and leaves nothing behind that keeps it from ending. */
async function finish({ file, isConsuming, isClosing }) {
  process.channel.unref()
  const bus = new EventBus({ backend: open({ file }) })
  bus.on('order.*', ({ id }) => tell({ [id]: true }))
  if (isConsuming) await bus.start()
  await bus.publish('order.placed', {}, { id: 'handled' })
  if (isConsuming) await bus.idle()
  if (isClosing) await bus.close()
}

/** Holds the lock of the database. */
async function lock({ file }) {
  const handle = new Database(file)
  handle.exec('BEGIN IMMEDIATE')
  tell({ ready: true })
  await heard('close')
  handle.exec('ROLLBACK')
  process.exit(0)
}

/** Takes orders: a row and an event in one transaction, noting each that was committed. Some are taken back. */
async function transact({ file, busFile, ledger, prefix, rollBackEvery }) {
  const handle = new Database(file)
  handle.exec('CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY)')
  const backend = open({ file: busFile ?? file })
  const outbox = busFile ? sqliteOutbox({ database: handle }) : backend.outbox
  const bus = new EventBus({ backend })
  const insert = handle.prepare('INSERT INTO orders VALUES (?)')
  const save = openLedger(ledger)
  tell({ ready: true })
  for (let n = 1; ; n++) {
    const id = `${prefix}-${n}`
    handle.exec('BEGIN IMMEDIATE')
    insert.run(id)
    await bus.transaction((tx) => tx.publish('order.placed', { n }, { id, key: 'all' }), { outbox, handle })
    if (n % rollBackEvery === 0) handle.exec('ROLLBACK')
    else {
      handle.exec('COMMIT')
      save({ id })
    }
    tell({ [`committed ${n}`]: true })
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The same in a PostgreSQL of its own, whose files are in a folder. */
async function transactPostgres({ folder, ledger, prefix }) {
  const { PGlite } = await import('@electric-sql/pglite')
  const database = await PGlite.create(folder)
  const outbox = postgresOutbox({ client: database })
  await outbox.createTables()
  await database.exec('CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY)')
  const bus = new EventBus()
  const save = openLedger(ledger)
  for (let n = 1; ; n++) {
    const id = `${prefix}-${n}`
    await database.transaction(async (handle) => {
      await handle.query('INSERT INTO orders VALUES ($1)', [id])
      await bus.transaction((tx) => tx.publish('order.placed', { n }, { id }), { outbox, handle })
    })
    save({ id })
    tell({ [`committed ${n}`]: true })
  }
}

/** Publishes what is in an outbox; dies where it is told to. */
async function relay({ file, busFile, dieAfterPublishing, leaseMs }) {
  const database = new Database(file)
  const outbox = sqliteOutbox({ database })
  const backend = open({ file: busFile })
  let published = 0
  const watched = {
    ...backend,
    async publish(events) {
      await backend.publish(events)
      published += events.length
      tell({ [`published ${published}`]: true })
      if (published >= dieAfterPublishing) die()
    },
  }
  startRelay({ outbox, backend: watched, batchSize: 5, pollMs: 5, leaseMs })
  tell({ ready: true })
}

function open({ file, ...options }) {
  return sqliteBackend({ database: file, driver: Database, ...options })
}
