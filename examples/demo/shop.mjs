// A small web shop on pino-http and PostgreSQL: the service that the demo shows. Everything it logs has really happened.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'
import { defineEventSet } from 'eventsets'
import pino from 'pino'
import pinoHttp from 'pino-http'

// The shop's own events: which value of which field has which marker.
const payment = defineEventSet({
  name: 'payment',
  mappings: [{ name: 'status', visualMarkers: { completed: '💰', failed: '💸' } }],
  fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
})

const log = pino({
  transport: { target: 'eventsets', options: { sets: [payment], hideObject: true, ignore: 'pid,hostname' } },
})

const httpLog = pinoHttp({
  logger: log,
  customLogLevel: levelOf,
  customSuccessMessage: describe,
  customErrorMessage: describe,
})

function levelOf(_req, { statusCode, err }) {
  if (statusCode >= 500) return 'error'
  return statusCode >= 400 || err ? 'warn' : 'info'
}

function describe(req, { statusCode, headersSent, err }) {
  const outcome = headersSent ? ` ${statusCode}` : ''
  const reason = err ? `: ${err.cause?.message ?? err.message}` : ''
  return `${req.method} ${req.url}${outcome}${reason}`
}

/** Runs a statement and logs it under the names that OpenTelemetry gives these fields. */
async function query(logger, sql, params) {
  const fields = { 'db.system.name': 'postgresql', 'db.query.text': sql }
  try {
    const { rows } = await db.query(sql, params)
    logger.info(fields, sql)
    return rows
  } catch (err) {
    logger.error({ ...fields, err }, err.message)
    throw err
  }
}

log.info({ domain: 'database', action: 'init' }, 'opening the database, a PostgreSQL in this process')
const db = new PGlite({ loadDataDir: await dataDir() })
await query(log, 'create table products (name text primary key, price integer)')
await query(log, 'create table customers (email text unique)')
await query(log, "insert into products values ('teapot', 30), ('cup', 8), ('spoon', 4)")

const routes = {
  'GET /products': async ({ log }) => [200, await query(log, 'select name, price from products')],
  'POST /customers': async ({ log, body }) => {
    try {
      await query(log, 'insert into customers values ($1)', [body.email])
      return [201]
    } catch {
      return [409]
    }
  },
  'POST /orders': async ({ log, body }) => {
    const [{ price }] = await query(log, 'select price from products where name = $1', [body.product])
    const charge = { ...body, price }
    const answer = await fetch(process.env.PAYMENT_URL, { method: 'POST', body: JSON.stringify(charge) })
    const status = answer.ok ? 'completed' : 'failed'
    log[answer.ok ? 'info' : 'warn']({ payment: { status, price } }, `payment of ${price} € ${status}`)
    return [answer.ok ? 201 : 402]
  },
  'GET /terms': async () => [200, await readFile('terms-of-sale.txt', 'utf8')],
  'GET /stock': async () => [200, await ask(process.env.WAREHOUSE_URL)],
  'GET /rates': async () => [200, await ask(process.env.BANK_URL, AbortSignal.timeout(300))],
  'GET /advice': async ({ signal }) => [200, await ask(process.env.BANK_URL, signal)],
}

async function ask(url, signal) {
  const answer = await fetch(url, { signal })
  return answer.json()
}

const server = createServer(async (req, res) => {
  const gone = new AbortController()
  res.on('close', () => {
    if (res.writableFinished) return
    gone.abort()
    res.err = gone.signal.reason
  })
  httpLog(req, res)
  try {
    const chunks = await req.toArray()
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : undefined
    const handle = routes[`${req.method} ${req.url}`] ?? (() => [404])
    const [status, answer] = await handle({ log: req.log, body, signal: gone.signal })
    res.writeHead(status).end(JSON.stringify(answer))
  } catch (error) {
    if (gone.signal.aborted) return
    res.err = error
    res.writeHead(error.name === 'TimeoutError' ? 504 : error.cause ? 502 : 500).end()
  }
})

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  log.info({ domain: 'server', action: 'start' }, 'the shop is open')
  process.send?.({ url: `http://127.0.0.1:${port}` })
})

process.once('SIGTERM', (signal) => {
  log.info({ domain: 'server', signal }, 'the shop closes')
  server.close(async () => {
    await db.close()
    process.disconnect?.()
  })
  server.closeAllConnections()
})
// Without the demo there is nobody to open for.
process.once('disconnect', () => process.exit())
