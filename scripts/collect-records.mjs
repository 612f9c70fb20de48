// Runs real libraries and writes down what they log, for the tests of the built-in sets:
//   test/fixtures/records/<library>.ndjson
// The first line of each file says what made it. Everything runs on the loopback interface; the script ends by
// itself. What changes from run to run (ports, stacks, random ids, short durations) is replaced by fixed values.
//
//   node scripts/collect-records.mjs [library ...]
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, get, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import knexFactory from 'knex'
import pg from 'pg'
import pino from 'pino'
import pinoHttp from 'pino-http'
import * as undici from 'undici'

const HOST = '127.0.0.1'
const FIXED_TIME = 1_750_000_000_000

const libraries = {
  'pino-http': { packages: ['pino-http', 'pino'], collect: collectPinoHttp },
  fastify: { packages: ['fastify', 'pino'], collect: collectFastify },
  undici: { packages: ['undici', 'pino'], collect: collectUndici },
  pg: { packages: ['pg', '@electric-sql/pglite', 'pino'], collect: collectPg },
  knex: { packages: ['knex', 'pg', '@electric-sql/pglite', 'pino'], collect: collectKnex },
  ioredis: { packages: ['ioredis', 'pino'], collect: collectIoredis },
  node: { packages: ['pino'], collect: collectNode },
  opentelemetry: { packages: ['pino'], collect: collectOpenTelemetry },
}

/** Thrown where a program that a fixture needs is missing. */
class NotInstalled extends Error {}

/** Random id -> the fixed one that stands for it. */
const identities = new Map()

const folder = new URL('../test/fixtures/records/', import.meta.url)
mkdirSync(folder, { recursive: true })
const wanted = process.argv.slice(2)
for (const [name, { packages, collect }] of Object.entries(libraries)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const log = memoryLog()
  try {
    await collect(log)
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error
    console.error(`SKIPPED ${name}: ${error.message}. Its fixture stays as it is.`)
    process.exitCode = 1
    continue
  }
  const versions = packages.map((each) => `${each} ${versionOf(each)}`)
  const header = {
    fixture: name,
    made: `by scripts/collect-records.mjs with ${[...versions, `Node ${process.versions.node}`].join(', ')}`,
  }
  writeFileSync(new URL(`${name}.ndjson`, folder), [JSON.stringify(header), ...log.lines, ''].join('\n'))
  console.log(`${name}: ${log.lines.length} records`)
}

// ------------------------------------------------------------------------------------------------ libraries

async function collectPinoHttp(log) {
  const logger = pinoHttp({ logger: log.logger(), quietReqLogger: false })
  const renaming = pinoHttp({
    logger: log.logger(),
    customAttributeKeys: { req: 'request', res: 'response' },
    customSuccessMessage: (req, res) => `${req.method} ${req.url} took its way to ${res.statusCode}`,
    customErrorMessage: (req, _res, error) => `${req.method} ${req.url} went wrong: ${error.message}`,
  })
  const server = createServer(async (req, res) => {
    const middleware = req.url.startsWith('/custom') ? renaming : logger
    middleware(req, res)
    const path = req.url.split('?')[0]
    if (path.endsWith('/slow')) await sleep(1050)
    if (path === '/boom') res.err = new Error('the till is stuck')
    if (path === '/refused') res.err = await failureOf(readFrom(await freePort()))
    if (path === '/hangs') return
    if (path === '/endless') {
      res.write('more')
      return
    }
    res.statusCode = answers[path] ?? 200
    res.end(res.statusCode === 204 || res.statusCode === 304 ? undefined : '{}')
  })
  const answers = {
    '/created': 201,
    '/gone/nowhere': 404,
    '/moved': 302,
    '/unchanged': 304,
    '/members': 401,
    '/admin': 403,
    '/too-fast': 429,
    '/bad': 400,
    '/boom': 500,
    '/refused': 500,
    '/closed': 503,
    '/custom/boom': 500,
  }
  const port = await listen(server)
  const requests = [
    'GET /users?page=2',
    'POST /created',
    'PUT /users/1',
    'PATCH /users/1',
    'DELETE /users/1',
    'HEAD /users',
    'OPTIONS /users',
    'PROPFIND /users',
    'GET /moved',
    'GET /unchanged',
    'POST /bad',
    'GET /members',
    'GET /admin',
    'GET /gone/nowhere',
    'GET /too-fast',
    'GET /boom',
    'GET /refused',
    'GET /closed',
    'GET /slow',
    'GET /custom/thing',
    'GET /custom/boom',
  ]
  for (const each of requests) {
    const [method, path] = each.split(' ')
    await log.expect(1, () => ask(port, method, path))
  }
  await log.expect(1, async () => {
    const req = httpRequest({ host: HOST, port, path: '/hangs' }).on('error', () => {})
    req.end()
    await once(server, 'request')
    req.destroy()
  })
  await log.expect(1, () => breakOff(port, '/endless'))
  await close(server)
}

async function collectFastify(log) {
  const app = fastify({ logger: { ...log.options(), stream: log.stream }, bodyLimit: 100 })
  app.get('/users', async () => [])
  app.get('/slow', async () => {
    await sleep(1050)
    return {}
  })
  app.get('/endless', async (_request, reply) => reply.send(Readable.from(endless())))
  app.get('/boom', async () => {
    throw new Error('the till is stuck')
  })
  app.get('/refused', async () => {
    throw await failureOf(readFrom(await freePort()))
  })
  app.get('/forbidden', async () => {
    throw Object.assign(new Error('not yours'), { statusCode: 403 })
  })
  app.post('/users', { schema: { body: { type: 'object', required: ['email'] } } }, async (_request, reply) =>
    reply.code(201).send({}),
  )
  await app.listen({ port: 0, host: HOST })
  const { port } = app.server.address()
  await log.expect(2, () => ask(port, 'GET', '/users'))
  await log.expect(2, () => ask(port, 'POST', '/users', { email: 'ada@example.org' }))
  await log.expect(3, () => ask(port, 'POST', '/users', { name: 'ada' }))
  await log.expect(3, () => ask(port, 'POST', '/users', { email: 'a'.repeat(200) }))
  await log.expect(3, () => ask(port, 'GET', '/nowhere'))
  await log.expect(3, () => ask(port, 'GET', '/forbidden'))
  await log.expect(3, () => ask(port, 'GET', '/boom'))
  await log.expect(3, () => ask(port, 'GET', '/refused'))
  await log.expect(2, () => ask(port, 'GET', '/slow'))
  await log.expect(2, () => breakOff(port, '/endless'))
  const plugin = fastify({ logger: { ...log.options(), stream: log.stream }, pluginTimeout: 50 })
  plugin.register(async function neverReady() {
    await sleep(1_000_000, undefined, { ref: false })
  })
  const error = await failureOf(plugin.ready())
  plugin.log.error({ err: error }, 'could not start')
  await app.close()
}

async function* endless() {
  while (true) {
    yield 'more\n'
    await sleep(10)
  }
}

async function collectUndici(log) {
  const logger = log.logger()
  const withCause = log.logger({ serializers: { err: pino.stdSerializers.errWithCause } })
  const closed = `http://${HOST}:${await freePort()}/`
  const silent = createTcpServer((socket) => socket.on('error', () => {}))
  const silentPort = await listen(silent)
  const rude = createTcpServer((socket) => socket.on('error', () => {}).destroy())
  const rudePort = await listen(rude)
  const garbled = createTcpServer((socket) => socket.on('error', () => {}).end('HELLO\r\n\r\n'))
  const garbledPort = await listen(garbled)
  const halting = createServer((_req, res) => res.writeHead(200, { 'content-length': '10' }).write('half'))
  const haltingPort = await listen(halting)
  const unhappy = createServer((_req, res) => {
    res.statusCode = 502
    res.end()
  })
  const unhappyPort = await listen(unhappy)
  const dispatcher = new undici.Agent({ connect: { timeout: 200 }, headersTimeout: 300, bodyTimeout: 300 })
  const read = async (url, options) => (await undici.request(url, { dispatcher, ...options })).body.text()

  const failures = {
    'refused, by request': read(closed),
    'refused, by fetch': undici.fetch(closed),
    'unknown name, by request': read('http://no-such-host.invalid/'),
    'unknown name, by fetch': undici.fetch('http://no-such-host.invalid/'),
    'no answer to the handshake': read(`https://${HOST}:${silentPort}/`),
    'no headers in time': read(`http://${HOST}:${silentPort}/`),
    'no more body in time': read(`http://${HOST}:${haltingPort}/`),
    'closed before the answer': read(`http://${HOST}:${rudePort}/`),
    'not HTTP': read(`http://${HOST}:${garbledPort}/`),
    'fetch given up after a time': undici.fetch(`http://${HOST}:${silentPort}/`, {
      signal: AbortSignal.timeout(50),
    }),
    'fetch called off': undici.fetch(`http://${HOST}:${silentPort}/`, { signal: AbortSignal.abort() }),
    'bad status as an error': undici.request(`http://${HOST}:${unhappyPort}/`, {
      dispatcher: dispatcher.compose(undici.interceptors.responseError()),
    }),
  }
  // All wait at once, and are logged in the order in which they stand here.
  const results = await Promise.all(Object.values(failures).map(failureOf))
  for (const [index, title] of Object.keys(failures).entries()) {
    const err = results[index]
    logger.error({ err }, title)
    if (err.cause) withCause.error({ err }, `${title}, with its cause`)
  }
  await dispatcher.destroy()
  await Promise.all([silent, rude, garbled, halting, unhappy].map(close))
}

async function collectPg(log) {
  const logger = log.logger()
  const database = await openPostgres()
  const options = { host: HOST, port: database.port, user: 'postgres', database: 'postgres' }
  const client = new pg.Client(options)
  await client.connect()
  await client.query(
    'create table account (id int primary key, email text unique not null, age int check (age > 0))',
  )
  await client.query('create table payment (account_id int references account (id), amount int)')
  await client.query("insert into account values (1, 'ada@example.org', 36)")

  const statements = {
    'the account exists already': ["insert into account values (2, 'ada@example.org', 36)"],
    'no such account': ['insert into payment values (99, 5)'],
    'an account without email': ['insert into account (id) values (3)'],
    'nobody is that young': ["insert into account values (4, 'bo@example.org', -1)"],
    'no such table': ['select * from acount'],
    'no such column': ['select mail from account'],
    'no such function': ['select upperr(email) from account'],
    'a slip of the pen': ['selekt 1'],
    'not a number': ['select * from account where id = $1', ['one']],
    'divided by nothing': ['select 1 / 0'],
    'the table exists already': ['create table account (id int)'],
    'not in this order': ['savepoint here'],
    'said by a trigger': ["do $$ begin raise exception 'the account is frozen'; end $$"],
  }
  for (const [title, [text, values]] of Object.entries(statements)) {
    const err = await failureOf(client.query(text, values))
    logger.error({ err, 'db.system.name': 'postgresql', 'db.query.text': text }, title)
  }
  await client.query('begin')
  await failureOf(client.query('select * from acount'))
  logger.error({ err: await failureOf(client.query('select 1')) }, 'the transaction has failed before')
  await client.query('rollback')
  await client.end()

  const refused = new pg.Client({ ...options, port: await freePort() })
  logger.error({ err: await failureOf(refused.connect()) }, 'the database is down')
  const rude = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.destroy()))
  const hungUp = new pg.Client({ ...options, port: await listen(rude) })
  logger.error({ err: await failureOf(hungUp.connect()) }, 'the database hung up')
  await close(rude)

  database.hold(400)
  const impatient = new pg.Client({ ...options, query_timeout: 100 })
  await impatient.connect()
  logger.error({ err: await failureOf(impatient.query('select count(*) from account')) }, 'no answer in time')
  await impatient.end()
  const pool = new pg.Pool({ ...options, max: 1, connectionTimeoutMillis: 100 })
  const held = await pool.connect()
  logger.error({ err: await failureOf(pool.query('select 1')) }, 'no connection to be had')
  held.release()
  await pool.end()
  await database.close()
}

async function collectKnex(log) {
  const logger = log.logger()
  const database = await openPostgres()
  const knex = knexFactory({
    client: 'pg',
    connection: { host: HOST, port: database.port, user: 'postgres', database: 'postgres' },
    pool: { min: 0, max: 1 },
    acquireConnectionTimeout: 200,
    log: { warn: () => {}, error: () => {} },
  })
  // The three ways in which applications log a query: the event as it is, chosen fields, nested below a key.
  knex.on('query', (query) => logger.debug(query, 'query'))
  knex.on('query-response', (rows, { method, sql }) =>
    logger.debug({ method, sql, rows: Array.isArray(rows) ? rows.length : undefined }, 'query done'),
  )
  knex.on('query-error', (err, { method, sql, bindings }) =>
    logger.error({ err, method, sql, bindings }, 'query failed'),
  )
  await knex.schema.createTable('book', (table) => {
    table.increments('id')
    table.string('title').unique()
  })
  await knex('book').insert({ title: 'Middlemarch' })
  await knex('book').where({ id: 1 }).select('title')
  await knex('book').where({ id: 1 }).first()
  await knex('book').where({ id: 1 }).update({ title: 'Emma' })
  await failureOf(knex('book').insert({ title: 'Emma' }))
  await failureOf(knex('boook').select())
  await knex.transaction(async (transaction) => {
    await transaction('book').insert({ title: 'Persuasion' })
  })
  await failureOf(
    knex.transaction(async (transaction) => {
      await transaction('book').where({ id: 1 }).delete()
      logger.error({ err: await failureOf(knex('book').select()) }, 'no connection to be had')
      throw new Error('changed my mind')
    }),
  )
  await knex.raw('select 1 + ? as sum', [1])
  await knex('book').truncate()
  await knex.schema.dropTable('book')
  await knex.destroy()
  await database.close()
}

async function collectIoredis(log) {
  const logger = log.logger()
  const port = await freePort()
  const server = spawn(
    'redis-server',
    ['--port', `${port}`, '--bind', HOST, '--save', '', '--appendonly', 'no'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: tmpdir(),
    },
  )
  const started = new Promise((resolve, reject) => {
    server.once('error', () => reject(new NotInstalled('redis-server is not on the PATH')))
    server.stdout.on('data', (chunk) => String(chunk).includes('eady to accept connections') && resolve())
  })
  await started

  const closedPort = await freePort()
  const down = new Redis({ host: HOST, port: closedPort, retryStrategy: () => null, lazyConnect: true })
  const noted = new Promise((resolve) =>
    down.once('error', (err) => {
      logger.error({ err }, 'redis error')
      resolve()
    }),
  )
  logger.error({ err: await failureOf(down.get('session')) }, 'command failed')
  await noted

  const redis = new Redis({ host: HOST, port })
  const watcher = new Redis({ host: HOST, port })
  const monitor = await watcher.monitor()
  // OpenTelemetry's names, as an application gives them to what the monitor tells.
  const seen = new Promise((resolve) =>
    monitor.on('monitor', (_time, [command, ...args]) => {
      if (command === 'quit') return resolve()
      if (command === 'info') return
      logger.debug({ 'db.system.name': 'redis', 'db.operation.name': command, args }, 'command')
    }),
  )
  const transaction = redis.multi()
  for (const step of [
    () => redis.set('session', 'ada', 'EX', 60),
    () => redis.get('session'),
    () => redis.hset('user', 'name', 'ada'),
    () => redis.incr('visits'),
    () => redis.lpush('queue', 'letter'),
    () => redis.expire('queue', 60),
    () => transaction.del('session').exec(),
    () => redis.publish('news', 'done'),
    () => redis.ping(),
  ])
    await step()
  const wrongType = await failureOf(redis.incr('queue'))
  const wrongPassword = await failureOf(redis.auth('guess'))
  await redis.quit()
  await seen
  monitor.disconnect()
  watcher.disconnect()
  logger.error({ err: wrongType }, 'command failed')
  logger.error({ err: wrongPassword }, 'command failed')
  const impatient = new Redis({ host: HOST, port, commandTimeout: 50 })
  logger.error({ err: await failureOf(impatient.blpop('nothing', 1)) }, 'command failed')
  impatient.disconnect()
  const exited = once(server, 'exit')
  server.kill('SIGTERM')
  await exited
}

async function collectNode(log) {
  const logger = log.logger()
  const home = process.cwd()
  const scratch = mkdtempSync(join(tmpdir(), 'records-'))
  process.chdir(scratch)
  await mkdir('data/old', { recursive: true })
  await writeFile('data/notes.txt', 'not a program')
  const taken = createTcpServer()
  const port = await listen(taken)
  const run = promisify(execFile)
  const aborted = AbortSignal.abort()

  const failures = {
    'no such file': readFile('data/missing.json'),
    'a directory is no file': readFile('data'),
    'a file is no directory': readFile('data/notes.txt/page'),
    'there already': mkdir('data'),
    'not empty': (await import('node:fs/promises')).rmdir('data'),
    'not allowed to run it': run('./data/notes.txt'),
    'no such program': run('no-such-program'),
    'the port is taken': new Promise((_resolve, reject) => {
      createTcpServer().once('error', reject).listen(port, HOST)
    }),
    'nobody listens': readFrom(await freePort()),
    'not compressed': promisify(inflate)(Buffer.from('plain text')),
    'no such module': import('no-such-module-anywhere'),
    'no such module, required': (async () => createRequire(import.meta.url)('./no-such-file.cjs'))(),
    'not text': (async () => Buffer.from(1))(),
    'called off': sleep(1000, undefined, { signal: aborted }),
    'too late': new Promise((_resolve, reject) => {
      const signal = AbortSignal.timeout(10)
      signal.addEventListener('abort', () => reject(signal.reason))
    }),
    'a program that fails': run(process.execPath, ['-e', 'process.exit(3)']),
    'a program that is killed': run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      timeout: 300,
      killSignal: 'SIGKILL',
    }),
    'a bug': (async () => null.length)(),
  }
  const results = await Promise.all(Object.values(failures).map(failureOf))
  for (const [index, title] of Object.keys(failures).entries()) logger.error({ err: results[index] }, title)

  for (const script of ['process.exit(0)', 'process.exit(1)', "process.kill(process.pid, 'SIGTERM')"]) {
    const child = spawn(process.execPath, ['-e', script])
    const [exitCode, signal] = await once(child, 'exit')
    logger.info({ exitCode, signal }, 'child exited')
  }
  const handled = once(process, 'SIGUSR2')
  process.kill(process.pid, 'SIGUSR2')
  const [signal] = await handled
  logger.info({ signal }, 'signal received')
  await close(taken)
  process.chdir(home)
  rmSync(scratch, { recursive: true })
}

/** No library: records with the attribute names of OpenTelemetry's instrumentations, current and older ones. */
async function collectOpenTelemetry(log) {
  const logger = log.logger()
  logger.info(
    {
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'https',
      'url.path': '/users',
      'network.protocol.version': '1.1',
      'user_agent.original': 'curl/8.5.0',
      'http.server.request.duration': 0.023,
    },
    'GET /users',
  )
  logger.info(
    {
      'http.request.method': 'POST',
      'http.method': 'POST',
      'http.response.status_code': 500,
      'http.status_code': 500,
      'error.type': '500',
      'url.scheme': 'https',
      'http.scheme': 'https',
      'http.flavor': '1.1',
      'http.server.request.duration': 6.2,
    },
    'POST /payments, with http/dup',
  )
  logger.info({ 'http.method': 'DELETE', 'http.status_code': 404, 'http.target': '/users/9' }, 'older names')
  logger.error(
    { 'http.request.method': 'GET', 'server.address': 'api.example.org', 'error.type': 'ECONNREFUSED' },
    'a call that got no answer',
  )
  logger.error(
    { 'http.request.method': 'GET', 'server.address': 'api.example.org', 'error.type': 'timeout' },
    'a call that took too long',
  )
  logger.info(
    { 'http.request.method': 'GET', 'http.response.status_code': 200, 'user_agent.synthetic.type': 'bot' },
    'a crawler',
  )
  logger.debug(
    {
      'db.system.name': 'postgresql',
      'db.system': 'postgresql',
      'db.operation.name': 'SELECT',
      'db.operation': 'SELECT',
      'db.namespace': 'shop',
      'db.name': 'shop',
      'db.collection.name': 'users',
      'db.query.text': 'SELECT * FROM users WHERE id = ?',
      'db.statement': 'SELECT * FROM users WHERE id = ?',
    },
    'a query, with database/dup',
  )
  logger.error(
    {
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.response.status_code': '23505',
      'error.type': '23505',
    },
    'a query that failed',
  )
  logger.debug({ 'db.system': 'mssql', 'db.statement': 'UPDATE stock SET n = 0' }, 'older names only')
  logger.debug(
    { 'db.system.name': 'cassandra', 'cassandra.consistency.level': 'quorum', 'db.operation.name': 'BATCH' },
    'a batch',
  )
  logger.debug(
    {
      'db.system.name': 'mongodb',
      'db.operation.name': 'findAndModify',
      'db.client.operation.duration': 1.5,
    },
    'a slow command',
  )
  logger.info({ 'process.exit.code': 137, 'process.executable.name': 'worker' }, 'worker exited')
  logger.info(
    { 'deployment.environment.name': 'production', 'service.criticality': 'high', 'os.type': 'linux' },
    'a resource',
  )
  logger.info({ 'cpu.mode': 'user', 'system.memory.state': 'free', 'v8js.gc.type': 'minor' }, 'a measurement')
}

// ------------------------------------------------------------------------------------------------- recording

/** Keeps what loggers write, without what differs from run to run. */
function memoryLog() {
  const lines = []
  let wake = () => {}
  const stream = {
    write(line) {
      lines.push(JSON.stringify(settle(JSON.parse(line))))
      wake()
    },
  }
  const options = () => ({
    level: 'trace',
    base: undefined,
    timestamp: () => `,"time":${FIXED_TIME}`,
  })
  return {
    lines,
    stream,
    options,
    logger: (more) => pino({ ...options(), ...more }, stream),
    /** Runs an action and waits until it has brought as many records as it should. */
    async expect(count, action) {
      const total = lines.length + count
      await action()
      while (lines.length < total) {
        await new Promise((resolve, reject) => {
          const timer = setTimeout(
            () => reject(new Error(`only ${lines.length} of ${total} records:\n${lines.join('\n')}`)),
            5000,
          )
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
  }
}

function settle(value, key = '') {
  if (typeof value === 'string') {
    if (key === 'stack')
      return settle(
        value
          .split('\n')
          .filter((line) => !/^\s+at /.test(line))
          .join('\n'),
      )
    if (/^__knex(?:Query|Tx)?[Uu]?[Ii]d$/.test(key)) {
      if (!identities.has(value)) identities.set(value, `${key}-${identities.size + 1}`)
      return identities.get(value)
    }
    return value
      .replaceAll(process.execPath, 'node')
      .replaceAll(fileURLToPath(new URL('..', import.meta.url)), '/app/')
      .replace(/(127\.0\.0\.1|localhost|::1):\d+/g, '$1:3000')
      .replace(/[\w/.-]*records-\w+/g, '/app')
  }
  if (typeof value === 'number') {
    if (/port$/i.test(key)) return 3000
    // A short duration is chance; a long one was asked for.
    if (key === 'responseTime') return value < 1000 ? 5 : Math.floor(value / 1000) * 1000
    if (key === 'pid') return 1
    return value
  }
  if (Array.isArray(value)) return value.map((element) => settle(element))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !['date', 'etag'].includes(name))
      .map(([name, inner]) => [name, settle(inner, name)]),
  )
}

function versionOf(name) {
  const url = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')).version
}

// --------------------------------------------------------------------------------------------------- servers

async function listen(server) {
  server.listen(0, HOST)
  await once(server, 'listening')
  return server.address().port
}

async function close(server) {
  server.closeAllConnections?.()
  for (const socket of server.sockets ?? []) socket.destroy()
  server.close()
  server.unref()
}

async function freePort() {
  const server = createTcpServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return port
}

/** The error that a promise is rejected with. */
async function failureOf(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('expected a failure')
}

async function ask(port, method, path, body) {
  const { promise, resolve, reject } = withResolvers()
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers =
    text === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }
  httpRequest({ host: HOST, port, method, path, agent: false, headers }, (res) => {
    res.resume().once('end', resolve)
  })
    .once('error', reject)
    .end(text)
  await promise
}

/** Asks for something and goes away while the answer is coming. */
async function breakOff(port, path) {
  const req = httpRequest({ host: HOST, port, path }).on('error', () => {})
  req.end()
  const [res] = await once(req, 'response')
  res.on('error', () => {})
  await once(res, 'data')
  req.destroy()
}

function readFrom(port) {
  return new Promise((resolve, reject) => {
    get({ host: HOST, port }, resolve).once('error', reject)
  })
}

function withResolvers() {
  let resolve
  let reject
  const promise = new Promise((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** A Postgres in this process behind a socket, for one client at a time. */
async function openPostgres() {
  const database = await PGlite.create()
  let delayMs = 0
  const sockets = new Set()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    let rest = Buffer.alloc(0)
    let isStarted = false
    let queue = Promise.resolve()
    const answer = async (message) => {
      if (delayMs > 0 && message[0] === 'Q'.charCodeAt(0)) await sleep(delayMs)
      // Nobody waits for the answer to a query that was given up.
      if (!socket.writable) return
      socket.write(await database.execProtocolRaw(new Uint8Array(message)))
    }
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      while (true) {
        // The first message has no type byte; the length counts itself but not the type.
        const start = isStarted ? 1 : 0
        if (rest.length < start + 4) return
        const size = start + rest.readInt32BE(start)
        if (rest.length < size) return
        const message = rest.subarray(0, size)
        rest = rest.subarray(size)
        isStarted = true
        if (message[0] === 'X'.charCodeAt(0)) {
          socket.end()
          return
        }
        queue = queue.then(() => answer(message))
      }
    })
  })
  const port = await listen(server)
  return {
    port,
    /** Makes every simple query wait. */
    hold(ms) {
      delayMs = ms
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await close(server)
      await database.close()
    },
  }
}
