// What the shop does about its events. Handlers of higher priority have finished before those below begin.
import { auditLog, email, Priority } from 'eventsets/bus'

/**
 * @param {import('./events.mjs').ShopBus} bus
 * @param {object} parts
 * @param {import('./orders.mjs').Orders} parts.orders
 * @param {import('pino').Logger} parts.log
 * @param {string} parts.paymentUrl
 */
export function addHandlers(bus, { orders, log, paymentUrl }) {
  bus.on(
    'order.placed',
    async function reserveStock({ data }, { publish }) {
      await orders.reserve(data, publish)
    },
    { priority: Priority.CRITICAL },
  )

  auditLog(bus, log, {
    actionFor: ({ name }) => ACTIONS.get(name),
    dataFor: ({ data }) => ({ id: /** @type {{ id?: unknown }} */ (data).id }),
  })

  bus.on(
    'order.placed',
    async function takePayment({ id: eventId, data }, { attempt, signal, publish }) {
      const { id, card, cents } = data
      // Sold out; or paid, if this is called again after a crash.
      if (orders.find(id)?.state !== 'reserved') return
      if (attempt > 1) log.warn({ domain: 'payment', status: 'retry' }, `payment of ${id}: try ${attempt}`)
      const answer = await fetch(new URL('/charges', paymentUrl), {
        method: 'POST',
        // The provider knows a repetition by it: a card is charged once, however often it is asked.
        headers: { 'content-type': 'application/json', 'idempotency-key': eventId },
        body: JSON.stringify({ card, cents }),
        signal,
      })
      await answer.text()
      if (answer.status === 402) return await orders.cancel(data, 'the card was refused', publish)
      if (!answer.ok) throw new Error(`the payment provider answers ${answer.status}`)
      await orders.pay(data, publish)
    },
    { priority: Priority.HIGH, timeoutMs: 5000, retry: { maxAttempts: 3, baseDelayMs: 50 } },
  )

  const confirm = email(
    /** @type {import('eventsets/bus').EmailOptions<import('./events.mjs').OrderPlaced>} */ ({
      transport: process.env.SMTP_URL ?? letterBox(log),
      from: 'Shop <shop@example.org>',
      to: ({ data }) => data.email,
      subject: ({ data }) => `Your order ${data.id}`,
      text: ({ data }) => `We have got your order of ${data.quantity} ${data.item}.`,
    }),
  )
  bus.on('order.placed', confirm, { name: 'sendConfirmation', retry: { maxAttempts: 5 } })

  // On the last event of an order: the next one of its key would have to wait for the batch.
  bus.batch(
    'order.paid',
    { maxSize: 100, maxWaitMs: 20, priority: Priority.LOW },
    function countRevenue(events) {
      const cents = events.reduce((sum, { data }) => sum + data.cents, 0)
      log.info({ domain: 'report', action: 'update' }, `revenue: ${(cents / 100).toFixed(2)} € more`)
    },
  )
}

/** What the events are in the words of the event set `system`. */
const ACTIONS = new Map([
  ['order.placed', 'create'],
  ['order.paid', 'receive'],
  ['order.cancelled', 'stop'],
])

/**
 * Stands for a mail server.
 *
 * @param {import('pino').Logger} log
 * @returns {import('eventsets/bus').MailTransport}
 */
function letterBox(log) {
  return {
    async sendMail({ to, subject }) {
      log.info({ domain: 'client', action: 'send' }, `mail to ${to[0]?.address}: ${subject}`)
    },
  }
}
