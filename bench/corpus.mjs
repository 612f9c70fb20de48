// The log that every benchmark reads: written by pino and pino-http themselves, from a seed.
//
// The same seed gives the same bytes on any machine. The clock is simulated, pid, host name and stacks are
// fixed, and nothing else of this machine reaches a record.
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import pinoHttp from 'pino-http'

/** Raise it with every change of what is generated: a cached corpus of an older generator is then not used. */
const GENERATOR_VERSION = 1

const FIRST_TIME = Date.UTC(2026, 0, 5, 8, 0, 0)
const FLUSH_CHARS = 1 << 20

/** What a log of a web service is made of, in per cent of its lines. */
const MIX = [
  ['http full', 14],
  ['http slim', 24],
  ['database', 22],
  ['system', 14],
  ['application', 11],
  ['plain', 6],
  ['error', 3],
  ['nested', 3],
  ['unicode', 3],
]

/** The folder for generated files. Git ignores it. */
export const cacheDir = fileURLToPath(new URL('../.bench', import.meta.url))

/**
 * Gives the corpus for a seed, from the cache where it is there.
 *
 * Returns `{ path, lines, bytes, averageBytes, maxBytes, sha256, kinds, writtenBy }`.
 */
export function ensureCorpus({ lines, seed }) {
  mkdirSync(cacheDir, { recursive: true })
  const versions = {
    pino: pino.version,
    'pino-http': createRequire(import.meta.url)('pino-http/package.json').version,
  }
  const writtenBy = Object.entries(versions)
    .map((entry) => entry.join(' '))
    .join(' and ')
  const key = [`v${GENERATOR_VERSION}`, ...Object.values(versions), lines, seed].join('-')
  const path = join(cacheDir, `corpus-${key}.ndjson`)
  const summaryPath = `${path}.summary.json`
  if (existsSync(path) && existsSync(summaryPath)) {
    return { ...JSON.parse(readFileSync(summaryPath, 'utf8')), path }
  }
  const partial = `${path}.partial`
  const summary = { ...generateCorpus({ lines, seed, path: partial }), path, writtenBy }
  renameSync(partial, path)
  writeFileSync(summaryPath, JSON.stringify(summary))
  return summary
}

/**
 * A file made of the corpus for a peer that is too slow or too fast for it: its first lines where `share` is
 * below 1, the corpus several times over where it is above. Returns `{ path, lines, bytes }`.
 */
export function corpusShare(corpus, share) {
  const lines = Math.max(1, Math.round(corpus.lines * share))
  if (lines === corpus.lines) return corpus
  const path = corpus.path.replace(/\.ndjson$/, `.first-${lines}.ndjson`)
  const summaryPath = `${path}.summary.json`
  if (existsSync(path) && existsSync(summaryPath)) {
    return { ...JSON.parse(readFileSync(summaryPath, 'utf8')), path }
  }
  const neededBytes = 2 * corpus.bytes * share
  const { bavail, bsize } = statfsSync(cacheDir)
  if (bavail * bsize < neededBytes)
    throw new Error(`No room for ${lines} lines in ${cacheDir}: give a smaller --largest or fewer --lines.`)
  const whole = readFileSync(corpus.path)
  const fd = openSync(path, 'w')
  let bytes = 0
  for (let left = lines; left > 0; left -= corpus.lines) {
    const end = left >= corpus.lines ? whole.length : endOfLine(whole, left)
    for (let done = 0; done < end; ) done += writeSync(fd, whole, done, end - done)
    bytes += end
  }
  // Otherwise the system writes them to the disk while the first peers are measured.
  fsyncSync(fd)
  closeSync(fd)
  const summary = { path, lines, bytes }
  writeFileSync(summaryPath, JSON.stringify(summary))
  return summary
}

/** Deletes what repeats the corpus: up to gigabytes, and made anew in seconds. */
export function removeRepeats(corpus) {
  const stem = basename(corpus.path, '.ndjson')
  for (const name of readdirSync(cacheDir)) {
    const lines = Number(/\.first-(\d+)\.ndjson(?:\.summary\.json)?$/.exec(name)?.[1] ?? 0)
    if (name.startsWith(`${stem}.`) && lines > corpus.lines) rmSync(join(cacheDir, name))
  }
}

function endOfLine(buffer, lineNumber) {
  let end = 0
  for (let line = 0; line < lineNumber; line++) end = buffer.indexOf(10, end) + 1
  return end
}

/** Writes a corpus of `lines` lines to `path` and says what is in it. */
export function generateCorpus({ lines, seed, path }) {
  const fd = openSync(path, 'w')
  const hash = createHash('sha256')
  const summary = { path, lines: 0, bytes: 0, averageBytes: 0, maxBytes: 0, sha256: '', kinds: {} }
  let pending = []
  let pendingChars = 0
  const flush = () => {
    const chunk = Buffer.from(pending.join(''))
    hash.update(chunk)
    for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done)
    pending = []
    pendingChars = 0
  }
  const destination = {
    write(line) {
      const bytes = Buffer.byteLength(line)
      summary.lines++
      summary.bytes += bytes
      summary.maxBytes = Math.max(summary.maxBytes, bytes)
      pending.push(line)
      pendingChars += line.length
      if (pendingChars > FLUSH_CHARS) flush()
    },
  }

  const random = createRandom(seed)
  const realNow = Date.now
  let now = FIRST_TIME
  // pino stamps a record and pino-http times a request with Date.now.
  Date.now = () => now
  try {
    const writers = createWriters(random, destination, (ms) => {
      now += ms
    })
    const wheel = MIX.flatMap(([kind, percent]) => Array.from({ length: percent }, () => kind))
    while (summary.lines < lines) {
      now += random.int(0, 40)
      const kind = random.pick(wheel)
      writers[kind]()
      summary.kinds[kind] = (summary.kinds[kind] ?? 0) + 1
    }
  } finally {
    Date.now = realNow
    flush()
    closeSync(fd)
  }
  summary.averageBytes = Math.round(summary.bytes / summary.lines)
  summary.sha256 = hash.digest('hex')
  return summary
}

// ----------------------------------------------------------------------------------------------- writers

/** One function a kind of record; each call writes exactly one line. */
function createWriters(random, destination, advanceMs) {
  const logger = pino({ level: 'trace', base: { pid: 4242, hostname: 'web-1' } }, destination)
  const database = logger.child({ component: 'db' })
  const pool = logger.child({ name: 'pool', module: 'persistence' })
  const worker = logger.child({ name: 'worker' })
  const full = pinoHttp({ logger })
  const slim = pinoHttp({
    logger,
    customLogLevel: (_req, res) =>
      res.statusCode >= 500 ? 'error' : res.statusCode >= 400 ? 'warn' : 'info',
    serializers: {
      req: (req) => ({ id: req.id, method: req.method, url: req.url }),
      res: (res) => ({ statusCode: res.statusCode }),
    },
  })

  return {
    'http full': () => httpRequest(random, full, advanceMs, true),
    'http slim': () => httpRequest(random, slim, advanceMs, false),
    database: () => databaseRecord(random, database, pool),
    system: () => systemRecord(random, logger, worker),
    application: () => applicationRecord(random, logger),
    plain: () => logger[random.pick(LEVELS)](random.pick(PLAIN_MESSAGES)(random)),
    error: () => errorRecord(random, logger),
    nested: () => nestedRecord(random, logger),
    unicode: () => unicodeRecord(random, logger),
  }
}

/** A request through the real middleware, with Node's own request and response but no socket. */
function httpRequest(random, middleware, advanceMs, isFull) {
  const socket = {
    remoteAddress: `10.0.${random.int(0, 3)}.${random.int(1, 254)}`,
    remotePort: random.int(32768, 60999),
  }
  const req = new IncomingMessage(socket)
  req.id = isFull ? random.uuid() : `req-${random.int(1, 99999).toString(36)}`
  req.method = random.pick(METHODS)
  req.url = random.pick(PATHS)(random)
  if (isFull) {
    req.query = random.chance(0.3) ? { page: String(random.int(1, 40)), sort: 'created_at' } : {}
    req.params = {}
    req.headers = requestHeaders(random, req.method)
  }
  const res = new ServerResponse(req)
  const statusCode = random.pick(STATUS_CODES)
  if (isFull) {
    res.setHeader('content-type', 'application/json')
    res.setHeader('content-length', String(random.int(12, 48000)))
    if (random.chance(0.2)) res.setHeader('x-request-id', req.id)
  }
  if (statusCode >= 500) res.err = random.pick(ERRORS)(random)

  middleware(req, res)
  advanceMs(random.latencyMs())
  if (random.chance(0.985)) {
    res.writeHead(statusCode)
    res.end()
    res.emit('finish')
  } else {
    // The client went away: no header sent, statusCode is null in the full form, "request aborted".
    res.emit('close')
  }
}

function requestHeaders(random, method) {
  const headers = {
    host: 'api.example.com',
    'user-agent': random.pick(USER_AGENTS),
    accept: random.pick(ACCEPTS),
  }
  if (random.chance(0.2)) headers['accept-encoding'] = 'gzip, deflate, br'
  if (random.chance(0.15)) headers['x-forwarded-for'] = `203.0.113.${random.int(1, 254)}`
  if (random.chance(0.1)) headers.traceparent = `00-${random.hex(32)}-${random.hex(16)}-01`
  if (method === 'POST' || method === 'PUT' || method === 'PATCH')
    headers['content-type'] = 'application/json'
  return headers
}

function databaseRecord(random, database, pool) {
  const durationMs = random.latencyMs() / 4
  const operation = random.pick(OPERATIONS)
  const table = random.pick(TABLES)
  const shape = random.int(0, 9)
  if (shape < 3) {
    const record = {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.collection.name': table,
      'db.query.text': queryText(operation, table),
      'db.response.returned_rows': random.int(0, 200),
      duration_ms: durationMs,
    }
    database[durationMs > 250 ? 'warn' : 'debug'](record, durationMs > 250 ? 'slow query' : 'query finished')
  } else if (shape < 5) {
    const db = { system: random.pick(DB_SYSTEMS), operation, statement: queryText(operation, table) }
    const trace = random.chance(0.25) ? { trace_id: random.hex(32), span_id: random.hex(16) } : {}
    database.info({ db, duration: durationMs, ...trace }, 'query')
  } else if (shape < 7) {
    const method = KNEX_METHODS[operation]
    const sql = queryText(operation, table)
    database.debug(
      { method, sql, bindings: [random.int(1, 99999), 'active'], options: {}, timeout: false },
      'knex query',
    )
  } else if (shape < 8) {
    const record = {
      commandName: random.pick(MONGO_COMMANDS),
      requestId: random.int(1, 1e6),
      databaseName: 'shop',
      durationMS: durationMs,
      serverHost: 'mongo-0.internal',
      serverPort: 27017,
      driverConnectionId: random.int(1, 20),
    }
    database.debug(record, 'Command succeeded')
  } else if (shape < 9) {
    const state = random.pick(['idle', 'used'])
    pool.trace(
      { 'db.client.connection.state': state, total: 20, idle: random.int(0, 20), waiting: random.int(0, 4) },
      'pool',
    )
  } else {
    const db = { system: 'redis', operation: random.pick(['GET', 'SET', 'HGETALL', 'EXPIRE', 'DEL']) }
    database.debug(
      { db, key: `session:${random.hex(24)}`, hit: random.chance(0.8), duration: durationMs / 50 },
      'cache',
    )
  }
}

function systemRecord(random, logger, worker) {
  const shape = random.int(0, 9)
  if (shape < 3) {
    const record = {
      rss: random.int(80, 900) * 1048576,
      heapUsed: random.int(40, 600) * 1048576,
      heapTotal: random.int(60, 700) * 1048576,
      external: random.int(1, 20) * 1048576,
      eventLoopDelayMs: random.int(1, 4000) / 100,
      cpu: { user: random.int(1, 900) / 10, system: random.int(1, 300) / 10 },
    }
    logger.debug(record, 'process metrics')
  } else if (shape < 6) {
    const record = {
      domain: random.pick(['user', 'order', 'email', 'report', 'cache', 'config']),
      action: random.pick(['create', 'read', 'update', 'delete', 'sync', 'validate']),
      status: random.pick(['success', 'success', 'success', 'started', 'pending', 'error', 'timeout']),
      attempt: random.int(1, 3),
      durationMs: random.latencyMs(),
      jobId: random.hex(12),
    }
    worker.info(record, 'job')
  } else if (shape < 8) {
    const code = random.pick(SYSTEM_CODES)
    const record = {
      code,
      syscall: random.pick(['connect', 'read', 'getaddrinfo', 'open']),
      address: `10.0.0.${random.int(2, 250)}`,
      port: random.pick([5432, 6379, 443, 27017]),
      retryInMs: random.int(1, 40) * 250,
    }
    worker.warn(record, `upstream not reachable: ${code}`)
  } else {
    const record = {
      service: { name: 'shop-api', version: '4.12.0', environment: 'production' },
      host: { arch: 'amd64', os: 'linux', cpus: 4 },
      uptime: random.int(1, 1e6),
      signal: random.pick(['SIGTERM', 'SIGHUP', 'SIGUSR2']),
      listeners: random.int(1, 12),
    }
    logger.info(
      record,
      random.pick(['signal received', 'configuration reloaded', 'server listening', 'health check passed']),
    )
  }
}

function applicationRecord(random, logger) {
  const event = random.pick(EVENTS)
  const record = {
    event,
    userId: random.int(1, 500000),
    tenant: random.pick(['acme', 'globex', 'initech', 'umbrella']),
  }
  const shape = random.int(0, 3)
  if (shape === 0) {
    record.orderId = random.uuid()
    record.amount = random.int(100, 90000) / 100
    record.currency = random.pick(['EUR', 'USD', 'GBP', 'JPY'])
    record.status = random.pick(['completed', 'pending', 'failed'])
    record.gateway = random.pick(['stripe', 'paypal', 'adyen'])
  } else if (shape === 1) {
    record.correlationId = random.uuid()
    record.source = random.pick(['checkout', 'billing', 'catalogue', 'identity'])
    record.items = random.int(1, 9)
    record.coupon = random.chance(0.2) ? `SAVE${random.int(5, 50)}` : null
    record.durationMs = random.latencyMs()
  } else if (shape === 2) {
    record.sessionId = random.hex(16)
    record.ip = `198.51.100.${random.int(1, 254)}`
    record.plan = random.pick(['free', 'team', 'enterprise'])
    record.experiments = { checkout: random.pick(['a', 'b']), search: random.pick(['control', 'vector']) }
  } else {
    record.queue = random.pick(['emails', 'invoices', 'thumbnails'])
    record.messageId = random.hex(12)
    record.attemptsMade = random.int(0, 3)
    record.lagMs = random.latencyMs()
  }
  logger.info(record, random.chance(0.4) ? event.replaceAll('.', '_') : random.pick(EVENT_MESSAGES))
}

function errorRecord(random, logger) {
  const error = random.pick(ERRORS)(random)
  const shape = random.int(0, 2)
  if (shape === 0) logger.error(error)
  else if (shape === 1)
    logger.error({ err: error, reqId: random.uuid(), retry: random.int(0, 3) }, 'request failed')
  else
    logger.fatal(
      { err: error, 'error.type': error.constructor.name, workerId: random.int(1, 8) },
      'uncaught exception',
    )
}

function nestedRecord(random, logger) {
  const line = () => ({
    sku: `SKU-${random.hex(6).toUpperCase()}`,
    quantity: random.int(1, 5),
    price: { net: random.int(100, 9000) / 100, tax: random.int(10, 900) / 100, currency: 'EUR' },
    tags: ['new', 'sale'].slice(random.int(0, 2)),
  })
  const record = {
    order: {
      id: random.uuid(),
      customer: {
        id: random.int(1, 99999),
        address: { country: random.pick(['DE', 'FR', 'US']), zip: String(random.int(10000, 99999)) },
      },
      lines: Array.from({ length: random.int(1, 2) }, line),
      history: [{ at: FIRST_TIME, state: 'created', by: { kind: 'user' } }],
    },
    flags: {
      express: random.chance(0.3),
      gift: null,
      matrix: [
        [1, 0],
        [0, 1],
      ],
    },
  }
  logger.info(record, 'order snapshot')
}

function unicodeRecord(random, logger) {
  const [language, text] = random.pick(UNICODE_TEXTS)
  const record = {
    language,
    userName: random.pick(UNICODE_NAMES),
    city: random.pick(UNICODE_CITIES),
    note: text,
    rating: random.int(1, 5),
  }
  logger.info(record, `${random.pick(UNICODE_MESSAGES)} ${record.userName}`)
}

// ----------------------------------------------------------------------------------------------- material

const LEVELS = ['debug', 'info', 'info', 'info', 'warn', 'trace']

const PLAIN_MESSAGES = [
  () => 'server listening at http://0.0.0.0:3000',
  (random) => `cache warmed, ${random.int(10, 9000)} entries`,
  () => 'shutting down gracefully',
  (random) => `worker ${random.int(1, 16)} is ready`,
  () => 'feature flags refreshed',
  (random) => `scheduled task "cleanup" finished in ${random.int(1, 900)} ms`,
  () => 'a message with "quotes", a \\ backslash and a\ttab',
]

const METHODS = [
  ...Array(12).fill('GET'),
  ...Array(5).fill('POST'),
  'PUT',
  'PUT',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
]

const STATUS_CODES = [
  ...Array(60).fill(200),
  ...Array(10).fill(201),
  ...Array(6).fill(204),
  ...Array(6).fill(304),
  302,
  302,
  400,
  400,
  400,
  401,
  401,
  403,
  404,
  404,
  404,
  404,
  409,
  422,
  429,
  500,
  502,
  503,
]

const PATHS = [
  (random) => `/api/v1/users/${random.int(1, 500000)}`,
  (random) => `/api/v1/orders/${random.hex(12)}`,
  (random) => `/api/v1/orders?page=${random.int(1, 40)}&status=open`,
  (random) =>
    `/api/v2/products/search?q=${random.pick(['shoes', 'blue%20shirt', 'caf%C3%A9', 'tv'])}&limit=20`,
  () => '/api/v1/sessions',
  () => '/healthz',
  () => '/metrics',
  (random) => `/static/js/app.${random.hex(8)}.js`,
]

const USER_AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
  'okhttp/4.12.0',
  'curl/8.5.0',
  'kube-probe/1.30',
  'axios/1.7.7',
]

const ACCEPTS = ['*/*', 'application/json', 'text/html,*/*;q=0.8']

const OPERATIONS = ['SELECT', 'SELECT', 'SELECT', 'INSERT', 'UPDATE', 'DELETE']
const TABLES = ['users', 'orders', 'order_lines', 'products', 'sessions', 'audit_log']
const DB_SYSTEMS = ['postgresql', 'postgresql', 'mysql', 'sqlite']
const KNEX_METHODS = { SELECT: 'select', INSERT: 'insert', UPDATE: 'update', DELETE: 'del' }
const MONGO_COMMANDS = ['find', 'find', 'insert', 'update', 'aggregate', 'delete']

function queryText(operation, table) {
  if (operation === 'SELECT') return `select "id", "status" from "${table}" where "id" = $1`
  if (operation === 'INSERT') return `insert into "${table}" ("id", "state") values ($1, $2)`
  if (operation === 'UPDATE') return `update "${table}" set "state" = $2 where "id" = $1`
  return `delete from "${table}" where "id" = $1`
}

const SYSTEM_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EPIPE',
  'EHOSTUNREACH',
  'EMFILE',
]

const EVENTS = [
  'payment.processed',
  'payment.failed',
  'order.created',
  'order.shipped',
  'user.registration.succeeded',
  'user.login.failed',
  'email.sent',
  'invoice.generated',
  'cart.updated',
]

const EVENT_MESSAGES = ['event published', 'event handled', 'business event', 'webhook delivered']

/** Errors with a stack of a made-up application, so that no path of this machine is in it. */
const ERRORS = [
  (random) => withStack(new TypeError("Cannot read properties of undefined (reading 'id')"), random),
  (random) => withStack(new RangeError('Invalid array length'), random),
  (random) => {
    const port = random.pick([5432, 6379, 27017])
    const error = new Error(`connect ECONNREFUSED 10.0.0.5:${port}`)
    return withStack(
      Object.assign(error, {
        errno: -111,
        code: 'ECONNREFUSED',
        syscall: 'connect',
        address: '10.0.0.5',
        port,
      }),
      random,
    )
  },
  (random) => {
    const cause = withStack(
      new Error('duplicate key value violates unique constraint "users_email_key"'),
      random,
    )
    return withStack(
      Object.assign(new Error('could not save user', { cause }), {
        code: '23505',
        severity: 'ERROR',
        table: 'users',
      }),
      random,
    )
  },
  (random) =>
    withStack(Object.assign(new Error('upstream timed out after 5000 ms'), { code: 'ETIMEDOUT' }), random),
]

const FRAMES = [
  'OrderService.charge (/app/src/orders/service.js:142:17)',
  'async Object.handler (/app/src/http/routes/orders.js:38:22)',
  'Pool.query (/app/node_modules/pg-pool/index.js:417:11)',
  'async UserRepository.save (/app/src/users/repository.js:77:5)',
  'processTicksAndRejections (node:internal/process/task_queues:95:5)',
  'async Promise.all (index 3)',
  'TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)',
  'new Session (file:///app/src/sessions/session.mjs:12:3)',
]

function withStack(error, random) {
  const frames = Array.from({ length: random.int(2, 4) }, () => `\n    at ${random.pick(FRAMES)}`)
  error.stack = `${error.name}: ${error.message}${frames.join('')}`
  return error
}

const UNICODE_TEXTS = [
  ['ja', '注文が確定しました。発送までしばらくお待ちください。'],
  ['ru', 'Заказ оформлен, ожидайте доставку завтра утром'],
  ['ar', 'تم تأكيد الطلب بنجاح'],
  ['de', 'Größe geändert, Rückgabe möglich – schöne Grüße'],
  ['emoji', 'shipped 🚀 and delivered 📦 👩‍👩‍👧‍👦 👍🏽'],
  ['zh', '订单已创建,等待付款'],
]
const UNICODE_NAMES = ['Jürgen Müller', 'Zoë Faßbender', '山田太郎', 'Ольга Иванова', 'محمد علي', 'Renée 🌸']
const UNICODE_CITIES = ['Köln', 'São Paulo', '東京', 'Москва', 'القاهرة', 'Kraków']
const UNICODE_MESSAGES = ['Benutzer angemeldet:', 'ログイン成功:', 'Пользователь вошёл:', 'welcome 👋']

// ----------------------------------------------------------------------------------------------- chance

/** mulberry32, with what the writers ask of it. */
function createRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const int = (low, high) => low + Math.floor(next() * (high - low + 1))
  const hex = (digits) => {
    let text = ''
    while (text.length < digits) text += int(0, 0xfffffff).toString(16).padStart(7, '0')
    return text.slice(0, digits)
  }
  return {
    int,
    hex,
    chance: (probability) => next() < probability,
    pick: (list) => list[int(0, list.length - 1)],
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    /** Mostly a few milliseconds, now and then seconds. */
    latencyMs: () => Math.round(3 / (1.0005 - next())),
  }
}
