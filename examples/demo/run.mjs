// `npm run demo`: opens the shop, sends customers, and shows what its log looks like with eventsets.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'

console.log(`
A small web shop answers real requests, and some of them really fail. It logs with pino, as ever;
its logger has one more line: transport: { target: 'eventsets' }. Watch the brackets.
`)

// The world around the shop: a payment service, one that never answers, and one that is down.
const outside = createServer(async (req, res) => {
  if (req.url !== '/pay') return
  const { card } = JSON.parse(Buffer.concat(await req.toArray()))
  res.writeHead(card === 'stolen' ? 402 : 200).end()
})
const down = createServer()
const outsideUrl = await listen(outside)
const downUrl = await listen(down)
down.close()

const shop = fork(new URL('shop.mjs', import.meta.url), {
  env: {
    ...process.env,
    PAYMENT_URL: `${outsideUrl}/pay`,
    BANK_URL: `${outsideUrl}/bank`,
    WAREHOUSE_URL: downUrl,
  },
})
shop.once('exit', (code) => {
  process.exitCode = code ?? 0
  outside.closeAllConnections()
  outside.close()
})
const [{ url }] = await once(shop, 'message')

await send('GET', '/products')
await send('POST', '/customers', { email: 'ada@example.com' })
await send('POST', '/orders', { product: 'teapot', card: 'mine' })
await send('POST', '/orders', { product: 'cup', card: 'stolen' })
await send('POST', '/customers', { email: 'ada@example.com' })
await send('GET', '/coffee')
await send('GET', '/terms')
await send('GET', '/stock')
await fetch(`${url}/advice`, { signal: AbortSignal.timeout(100) }).catch(() => {})
await send('GET', '/rates')

shop.kill('SIGTERM')
await once(shop, 'exit')
console.log(`
The markers come from the event sets http, database and system, which are built in, and from one of the
shop's own: payment (💰 💸), five lines in examples/demo/shop.mjs.

In your service:        pino({ transport: { target: 'eventsets' } })
One line an event:      ... target: 'eventsets', options: { hideObject: true, ignore: 'pid,hostname' }
Without touching it:    node app.js | npx eventsets
Every marker there is:  npx eventsets list
`)

async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

async function send(method, path, body) {
  const answer = await fetch(url + path, { method, body: body && JSON.stringify(body) })
  await answer.text()
}
