// `npm run example:bus`: opens the shop, orders from it over HTTP, and shows what happens. It fails when something
// does not come out as it should.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createLog } from './log.mjs'
import { startPaymentProvider } from './payment-provider.mjs'
import { openShop } from './shop.mjs'

const folder = mkdtempSync(join(tmpdir(), 'shop-'))
const provider = await startPaymentProvider()
const shop = await openShop({ path: join(folder, 'shop.db'), paymentUrl: provider.url, log: createLog() })
const watching = new AbortController()
let requests = 0

const customer = { email: 'ada@example.org', card: 'mine' }
/** Emits `order.paid tea` when a stream has told that. */
const heard = new EventEmitter()

try {
  say(`A small shop takes orders on ${shop.url}, over a bus whose events are in SQLite.
Lines with a time are its log; an id at their end is that of the request from which all else follows.
Lines with ~ come over HTTP, from GET /events.`)
  const { firstId } = await watch('/events')

  say('An order. The stock is reserved first, then the card is charged, then a mail is sent.')
  await order('tea', { item: 'teapot', quantity: 1 }, 'order.paid')

  say('A bad order is refused, with everything that is wrong with it; so is one that is there already.')
  const bad = await send('POST', '/orders', { id: 'no id', item: 'piano', quantity: 0, email: 'nobody' })
  assert.equal(bad.status, 400)
  for (const { path, message } of bad.body.issues) console.log(`  ${path}: ${message}`)
  const again = await send('POST', '/orders', { ...customer, id: 'tea', item: 'cup', quantity: 1 })
  assert.equal(again.status, 409)

  say('A card that is refused: another try would end the same way, so there is none.')
  await order('loot', { item: 'spoon', quantity: 100, card: 'stolen' }, 'order.cancelled')

  say('The payment provider is away. The payment is tried three times, and then kept as a dead letter.')
  provider.isAway = true
  await order('cups', { item: 'cup', quantity: 6 }, 'order.placed')
  const letter = await firstLetter()
  console.log(
    `  dead letter: ${letter.handler} of ${letter.event}, ${letter.attempts} tries, ${letter.reason}`,
  )
  const poorly = await send('GET', '/healthz')
  console.log(`  health: ${poorly.body.status}. ${poorly.body.reasons.join(' ')}`)
  assert.equal(poorly.body.status, 'degraded')

  say('The provider is back, and the dead letter is replayed: only the payment, the rest has been done.')
  provider.isAway = false
  const paid = hear('order.paid cups')
  assert.equal((await send('POST', `/dead-letters/${letter.id}/replay`)).status, 202)
  await paid
  assert.equal((await send('GET', '/orders/cups')).body.state, 'paid')
  const well = await send('GET', '/healthz')
  console.log(`  health: ${well.body.status}`)
  assert.equal(well.body.status, 'healthy')

  say('Somebody who has lost the connection after the first event gets what was missed.')
  const missed = hear('order.paid cups')
  await watch('/events?pattern=order.paid', await firstId)
  await missed

  say('What was counted, for Prometheus:')
  const metrics = await (await fetch(`${shop.url}/metrics`)).text()
  const payments = metrics
    .split('\n')
    .filter((line) => /^\w+_(calls|failures|retries)_total.*takePayment/.test(line))
  console.log(payments.map((line) => `  ${line}`).join('\n'))
  assert.equal(payments.length, 3)
} finally {
  watching.abort()
  await shop.close()
  await provider.close()
  rmSync(folder, { recursive: true })
}

say(`What you have seen is in examples/event-bus; begin with events.mjs and handlers.mjs.
To try it yourself:  node examples/event-bus/server.mjs`)

/** @param {string} text */
function say(text) {
  console.log(`\n${text}\n`)
}

/**
 * Places an order, and waits for what is to come of it.
 *
 * @param {string} id @param {object} what @param {string} outcome the name of an event
 */
async function order(id, what, outcome) {
  const told = hear(`${outcome} ${id}`)
  const { status } = await send('POST', '/orders', { ...customer, id, ...what })
  assert.equal(status, 201)
  await told
}

/** @param {string} told */
async function hear(told) {
  await once(heard, told, { signal: AbortSignal.timeout(10_000) }).catch((cause) => {
    throw new Error(`"${told}" was not told within 10 seconds.`, { cause })
  })
}

/**
 * @param {string} method @param {string} path @param {object} [body]
 */
async function send(method, path, body) {
  const headers = { 'content-type': 'application/json', 'x-request-id': `request-${++requests}` }
  const answer = await fetch(shop.url + path, { method, headers, body: body ? JSON.stringify(body) : null })
  const text = await answer.text()
  console.log(`→ ${method} ${path} ${answer.status}`)
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function firstLetter() {
  for (;;) {
    const { body } = await send('GET', '/dead-letters')
    if (body.length > 0) return body[0]
    await setTimeout(100)
  }
}

/**
 * Shows a stream of server-sent events as they come, from behind the event of that id on.
 *
 * @param {string} path @param {string} [lastEventId]
 */
async function watch(path, lastEventId) {
  const headers = lastEventId === undefined ? undefined : { 'last-event-id': lastEventId }
  const answer = await fetch(shop.url + path, { headers: { ...headers }, signal: watching.signal })
  const firstId = once(heard, 'id')
  void show(answer)
  return { firstId: firstId.then(([id]) => String(id)) }
}

/** @param {globalThis.Response} answer */
async function show({ body }) {
  let rest = ''
  try {
    for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const frames = (rest + text).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) {
        const { id, event, data } = Object.fromEntries(frame.split('\n').map((line) => line.split(/: (.*)/)))
        if (data === undefined) continue
        console.log(`~ ${event} ${data}`)
        heard.emit('id', id)
        heard.emit(`${event} ${JSON.parse(data).id}`)
      }
    }
  } catch (error) {
    if (!watching.signal.aborted) throw error
  }
}
