// The shop's own tables, in the database that the bus keeps its events in. Rows and events are committed together.
import { sqliteTransaction } from 'eventsets/bus'
import Database from 'libsql'
import { PRICES_IN_CENTS } from './events.mjs'

/** @typedef {{ id: string, item: string, quantity: number, cents: number, state: 'placed' | 'reserved' | 'paid' | 'cancelled' }} Order */
/** @typedef {ReturnType<typeof openOrders>} Orders */
/** @typedef {import('./events.mjs').ShopEvents} ShopEvents */
/** @typedef {ShopEvents['order.placed']} OrderData */
/** @typedef {import('eventsets/bus').HandlerContext<ShopEvents>['publish']} Publish for what follows from an event in hand */

/**
 * Each change looks first whether it has been made: a handler is called again after a crash.
 *
 * @param {object} options
 * @param {string} options.path
 * @param {import('libsql').Database} options.database the same file, open
 * @param {import('./events.mjs').ShopBus} options.bus
 * @param {import('eventsets/bus').Outbox<import('eventsets/bus').SqliteHandle>} options.outbox
 */
export function openOrders({ path, database, bus, outbox }) {
  database.exec(TABLES)
  // A handle of its own sees nothing of a transaction that is under way.
  const reader = new Database(path)
  const find = reader.prepare('SELECT id, item, quantity, cents, state FROM orders WHERE id = ?')
  const insert = database.prepare("INSERT INTO orders VALUES (?, ?, ?, ?, 'placed')")
  const setState = database.prepare('UPDATE orders SET state = ? WHERE id = ? AND state = ?')
  const take = database.prepare('UPDATE stock SET number = number - ? WHERE item = ? AND number >= ?')
  const giveBack = database.prepare('UPDATE stock SET number = number + ? WHERE item = ?')

  /**
   * All that is published in the function is committed with the rows that it changes, or nothing of either.
   *
   * @template T
   * @param {(publisher: import('eventsets/bus').TransactionPublisher<ShopEvents>) => Promise<T>} run
   */
  const change = (run) =>
    sqliteTransaction(database, () => bus.transaction(run, { outbox, handle: database }))

  /** @param {string} id @param {Order['state']} from @param {Order['state']} to */
  const move = (id, from, to) => setState.run(to, id, from).changes > 0

  return {
    /**
     * @param {import('./events.mjs').OrderRequest} order
     * @param {import('eventsets/bus').EventOptions} about
     */
    place: (order, about) =>
      change(async (tx) => {
        const cents = PRICES_IN_CENTS[order.item] * order.quantity
        insert.run(order.id, order.item, order.quantity, cents)
        return await tx.publish('order.placed', { ...order, cents }, { key: order.id, ...about })
      }),

    /** @param {OrderData} order @param {Publish} publish */
    reserve: ({ id, item, quantity }, publish) =>
      change(async () => {
        if (!move(id, 'placed', 'reserved')) return
        if (take.run(quantity, item, quantity).changes > 0) return
        move(id, 'reserved', 'cancelled')
        await publish('order.cancelled', { id, error: 'sold out' }, { key: id })
      }),

    /** @param {OrderData} order @param {Publish} publish */
    pay: ({ id, cents }, publish) =>
      change(async () => {
        if (move(id, 'reserved', 'paid')) await publish('order.paid', { id, cents }, { key: id })
      }),

    /** @param {OrderData} order @param {string} error @param {Publish} publish */
    cancel: ({ id, item, quantity }, error, publish) =>
      change(async () => {
        if (!move(id, 'reserved', 'cancelled')) return
        giveBack.run(quantity, item)
        await publish('order.cancelled', { id, error }, { key: id })
      }),

    /** @param {string} id @returns {Order | undefined} */
    find: (id) => /** @type {Order[]} */ (find.all(id))[0],

    close: () => reader.close(),
  }
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, item TEXT NOT NULL, quantity INTEGER NOT NULL, cents INTEGER NOT NULL, state TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, number INTEGER NOT NULL);
  INSERT OR IGNORE INTO stock VALUES ('teapot', 10), ('cup', 1000), ('spoon', 1000);
`
