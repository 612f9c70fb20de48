import { METHODS, STATUS_CODES } from 'node:http'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import { constants as zlibConstants } from 'node:zlib'
import fastify from 'fastify'
import { errors as undiciErrors } from 'undici'
import { describe, expect, it } from 'vitest'
import { type LogRecord, parseEventSet } from '../../src/index.ts'
import { enrich, mappingOf, markersOf, setFiles, sets } from './load.ts'

describe.each([...setFiles])('sets/%s.json', (name, data) => {
  it('is a valid event set of that name', () => {
    const parsed = parseEventSet(data)

    expect(parsed.issues).toBeUndefined()
    expect(parsed.set?.name).toBe(name)
  })

  it('names the schema, so that editors complete it', () => {
    expect(data).toMatchObject({ $schema: 'https://unpkg.com/eventsets/schema.json' })
  })

  it('says what the set and each mapping is about', () => {
    const set = sets.find((each) => each.name === name)

    expect(set?.description).toBeTruthy()
    for (const mapping of set?.mappings ?? []) expect(mapping.description, mapping.name).toBeTruthy()
  })

  it('uses every mapping', () => {
    const set = sets.find((each) => each.name === name)
    const used = new Set(set?.fieldMappings?.map((field) => field.mapping))

    expect(set?.mappings?.map((mapping) => mapping.name).filter((each) => !used.has(each))).toEqual([])
  })
})

const mappings = sets.flatMap((set) =>
  (set.mappings ?? []).map((mapping) => ({ title: `${set.name} ${mapping.name}`, mapping })),
)

describe.each(mappings)('$title', ({ mapping }) => {
  const { visualMarkers = {}, metadataFields = {}, ranges = {} } = mapping

  it('has markers that every terminal shows two columns wide: one code point, an emoji by default', () => {
    for (const [key, marker] of Object.entries(visualMarkers)) {
      expect([...marker], key).toHaveLength(1)
      expect(marker, key).toMatch(/^\p{Emoji_Presentation}$/u)
      expect(marker, key).not.toMatch(/\p{Regional_Indicator}|\p{Emoji_Modifier}/u)
    }
  })

  it('has keys that read well in ASCII', () => {
    for (const key of Object.keys(visualMarkers)) expect(key).toMatch(/^[a-z0-9_.-]{1,40}$/)
  })

  it('shows a marker for whatever adds metadata, so that a success shows as a success', () => {
    expect(Object.keys(metadataFields).filter((key) => !(key in visualMarkers))).toEqual([])
  })

  it('has a marker for every range', () => {
    expect(Object.keys(ranges).filter((key) => !(key in visualMarkers))).toEqual([])
  })
})

/** Log key, value, and the key under which the set finds it. */
type Row = readonly [logKey: string, value: string | number, key: string]

const mapped: Record<string, readonly Row[]> = {
  'http: the verb': [
    ...['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY'].flatMap(
      (verb): Row[] => [
        ['http.request.method', verb, verb.toLowerCase()],
        ['http.method', verb, verb.toLowerCase()],
      ],
    ),
    ['http.request.method', '_OTHER', 'default'],
  ],
  'http: the status': [
    ['http.response.status_code', 200, '2xx'],
    ['http.status_code', 201, '2xx'],
    ['res.statusCode', 204, '2xx'],
    ['response.statusCode', 404, '404'],
    ['statusCode', 422, '4xx'],
    ['status', 500, '5xx'],
    ['status', '500', '5xx'],
    ['http.status_class', '2xx', '2xx'],
    ['err.status', 429, '429'],
    ['res.statusCode', 101, '1xx'],
    ['res.statusCode', 301, '3xx'],
    ['res.statusCode', 302, '3xx'],
    ['res.statusCode', 304, '304'],
    ['res.statusCode', 307, '3xx'],
    ['res.statusCode', 308, '3xx'],
    ['res.statusCode', 400, '4xx'],
    ['res.statusCode', 401, '401'],
    ['res.statusCode', 403, '403'],
    ['res.statusCode', 404, '404'],
    ['res.statusCode', 405, '4xx'],
    ['res.statusCode', 408, '408'],
    ['res.statusCode', 409, '4xx'],
    ['res.statusCode', 410, '4xx'],
    ['res.statusCode', 413, '4xx'],
    ['res.statusCode', 415, '4xx'],
    ['res.statusCode', 422, '4xx'],
    ['res.statusCode', 429, '429'],
    ['res.statusCode', 499, '4xx'],
    ['res.statusCode', 500, '5xx'],
    ['res.statusCode', 501, '5xx'],
    ['res.statusCode', 502, '5xx'],
    ['res.statusCode', 503, '503'],
    ['res.statusCode', 504, '504'],
  ],
  'http: a long time': [
    ['responseTime', 1000, 'slow'],
    ['responseTime', 4999.9, 'slow'],
    ['responseTime', 5000, 'very_slow'],
    ['http.server.request.duration', 1, 'slow'],
    ['http.server.request.duration', 5, 'very_slow'],
    ['http.client.request.duration', 2.5, 'slow'],
  ],
  'http: who asks': [
    ['user_agent.synthetic.type', 'bot', 'bot'],
    ['user_agent.synthetic.type', 'test', 'test'],
  ],
  'database: the product, by its current name': [
    ...[
      'other_sql',
      'softwareag.adabas',
      'actian.ingres',
      'aws.dynamodb',
      'aws.redshift',
      'azure.cosmosdb',
      'intersystems.cache',
      'cassandra',
      'clickhouse',
      'cockroachdb',
      'couchbase',
      'couchdb',
      'derby',
      'elasticsearch',
      'firebirdsql',
      'gcp.spanner',
      'geode',
      'h2database',
      'hbase',
      'hive',
      'hsqldb',
      'ibm.db2',
      'ibm.informix',
      'ibm.netezza',
      'influxdb',
      'instantdb',
      'mariadb',
      'memcached',
      'mongodb',
      'microsoft.sql_server',
      'mysql',
      'neo4j',
      'opensearch',
      'oracle.db',
      'postgresql',
      'redis',
      'sap.hana',
      'sap.maxdb',
      'sqlite',
      'teradata',
      'trino',
    ].map((name): Row => ['db.system.name', name, name]),
    ['db.system.name', 'a database of tomorrow', 'default'],
  ],
  'database: the product, by an older or a human name': [
    'mssql',
    'mssqlcompact',
    'oracle',
    'db2',
    'dynamodb',
    'redshift',
    'cosmosdb',
    'spanner',
    'h2',
    'hanadb',
    'firebird',
    'cache',
    'intersystems_cache',
    'adabas',
    'ingres',
    'informix',
    'netezza',
    'maxdb',
    'cloudscape',
    'coldfusion',
    'firstsql',
    'edb',
    'filemaker',
    'interbase',
    'pervasive',
    'pointbase',
    'progress',
    'sybase',
    'vertica',
    'postgres',
    'pg',
    'sqlite3',
    'mongo',
  ].map((name): Row => ['db.system', name, name]),
  'database: the operation': [
    ['db.operation.name', 'SELECT', 'select'],
    ['db.operation', 'insert', 'insert'],
    ['db.query.summary', 'UPDATE users', 'update'],
    ['db.query.text', 'DELETE FROM users', 'delete'],
    ['db.statement', 'select 1', 'select'],
    ['sql', 'BEGIN;', 'begin'],
    ['db.operation', 'query', 'query'],
    ['db.operation', 'connect', 'connect'],
    ['db.operation', 'disconnect', 'disconnect'],
    ['db.operation', 'transaction_begin', 'transaction_begin'],
    ['db.operation', 'transaction_commit', 'transaction_commit'],
    ['db.operation', 'transaction_rollback', 'transaction_rollback'],
    ['db.operation.name', 'findOneAndUpdate', 'findoneandupdate'],
    ['db.operation.name', 'aggregate', 'aggregate'],
    ['db.operation.name', 'HGETALL', 'hgetall'],
    ['db.operation.name', 'ALTER', 'alter'],
    ['db.operation.name', 'DROP', 'drop'],
    ['db.operation.name', 'COMMIT', 'commit'],
    ['db.operation.name', 'ROLLBACK', 'rollback'],
  ],
  'database: the outcome': [
    ['db.outcome', 'success', 'success'],
    ['db.outcome', 'error', 'error'],
    ['db.outcome', 'not_found', 'not_found'],
    ['db.outcome', 'timeout', 'timeout'],
  ],
  'database: error codes': [
    ['db.response.status_code', '23505', '23505'],
    ['db.response.status_code', '11000', '11000'],
    ['db.response.status_code', 'ORA-00001', 'ora-00001'],
    ['err.code', '23505', '23505'],
    ['err.code', '42P01', '42p01'],
    ['err.code', '40P01', '40p01'],
    ['err.code', '08006', '08006'],
    ['err.code', 'XX001', 'xx001'],
    ['err.code', 'P0002', 'p0002'],
    ['err.code', 'ER_DUP_ENTRY', 'er_dup_entry'],
    ['err.code', 'ER_LOCK_DEADLOCK', 'er_lock_deadlock'],
    ['err.code', 'PROTOCOL_CONNECTION_LOST', 'protocol_connection_lost'],
    ['err.code', 'P2000', 'p2000'],
    ['err.code', 'P2002', 'p2002'],
    ['err.code', 'P2003', 'p2003'],
    ['err.code', 'P2025', 'p2025'],
    ['err.code', 'P1001', 'p1001'],
    ['err.code', 'SQLITE_BUSY', 'sqlite_busy'],
    ['err.code', 'SQLITE_CONSTRAINT_UNIQUE', 'sqlite_constraint_unique'],
  ],
  'database: a long time': [
    ['durationMS', 1500, 'slow'],
    ['db.client.operation.duration', 0.5 + 0.5, 'slow'],
    ['db.client.operation.duration', 10, 'very_slow'],
  ],
  'system: domain, action, status': [
    ...words(
      'domain',
      `system server client network security config database cache task plugin telemetry di protocol file user test
       utils core auth entity report payment`,
    ),
    ...words(
      'action',
      `init start stop connect disconnect listen send receive read write process validate execute query update delete
       login logout auth error encrypt decrypt parse transmit build schedule emit load observe request interrupt register`,
    ),
    ...words(
      'status',
      `success failure error warning info debug trace attempt retry skip complete timeout notfound unauthorized invalid
       cached ongoing idle ready`,
    ),
  ],
  'system: codes of Node, its system, its clients': [
    ...words(
      'err.code',
      `ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT
       UND_ERR_BODY_TIMEOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRINUSE EADDRNOTAVAIL ENOENT EEXIST EISDIR
       ENOTDIR ENOTEMPTY EACCES EPERM EROFS EMFILE ENFILE ENOSPC ENOMEM EDQUOT`,
    ),
    ['err.cause.code', 'ECONNREFUSED', 'econnrefused'],
    ['err.message', 'fetch failed: connect ECONNREFUSED 127.0.0.1:3000', 'econnrefused'],
    ['error.type', 'ECONNRESET', 'econnreset'],
    ['error.type', 'timeout', 'timeout'],
    ['err.type', 'AbortError', 'aborterror'],
    ['err.name', 'TimeoutError', 'timeouterror'],
    ['err.type', 'KnexTimeoutError', 'knextimeouterror'],
  ],
  'system: the process': [
    ...words('signal', 'SIGTERM SIGINT SIGHUP SIGUSR2 SIGKILL'),
    ['err.signal', 'SIGKILL', 'sigkill'],
    ['process.exit.code', 0, 'exit_ok'],
    ['exitCode', 1, 'exit_failed'],
    ['process.exit.code', 134, 'exit_aborted'],
    ['process.exit.code', 137, 'exit_killed'],
    ['process.exit.code', 139, 'exit_segfault'],
    ['process.exit.code', 143, 'exit_terminated'],
    ['process.exit.code', -2, 'not_started'],
    ['process.state', 'stopped', 'stopped'],
    ['process.state', 'defunct', 'defunct'],
  ],
  'system: a long time': [
    ['duration', 1000, 'slow'],
    ['duration_ms', 7000, 'very_slow'],
    ['elapsedTime', 7000, 'very_slow'],
  ],
}

describe.each(Object.entries(mapped))('%s', (title, rows) => {
  it.each(rows)('%s %s is %s', (logKey, value, key) => {
    const { markers } = enrich({ [logKey]: value })

    expect(markers.map((marker) => [marker.set, marker.key, marker.logKey])).toEqual([
      [title.split(':')[0], key, logKey],
    ])
  })
})

describe('values that need their surroundings', () => {
  it('reads the command of the mongodb driver', () => {
    expect(markersOf({ commandName: 'find', serverHost: 'localhost', durationMS: 3 })).toBe('[🔍]')
    expect(markersOf({ commandName: 'find' })).toBe('')
  })

  it('reads the query event of Prisma', () => {
    const event = { query: 'SELECT 1', params: '[]', duration: 1200, target: 'quaint::connector::metrics' }

    expect(markersOf(event)).toBe('[🔍][🐢]')
    expect(markersOf({ query: 'select a colour' })).toBe('')
  })

  it('reads the operation of knex in its SQL, not in its method', () => {
    expect(markersOf({ method: 'select', sql: 'select * from users', bindings: [] })).toBe('[🔍]')
    expect(markersOf({ method: 'select' })).toBe('')
  })

  it('reads the numbers of the mongodb driver, and of no one else', () => {
    expect(markersOf({ err: { type: 'MongoServerError', code: 11000 } })).toBe('[👥]')
    expect(markersOf({ err: { type: 'Error', code: 11000 } })).toBe('')
  })
})

describe('a logger that is bound to a request', () => {
  const request = { req: { method: 'POST', url: '/orders' } }

  it.each([
    ['the request comes in, as fastify tells it', { msg: 'incoming request' }, '[📤]'],
    ['the request comes in, as pino-http tells it', { msg: 'request received' }, '[📤]'],
    ['it is answered', { msg: 'any words', res: { statusCode: 200 } }, '[📤][✅]'],
    ['it is answered, under other names', { response: { statusCode: 200 } }, '[📤][✅]'],
    ['it ends without an answer', { msg: 'any words', responseTime: 3 }, '[📤]'],
    ['something else happens meanwhile', { msg: 'users loaded', 'db.operation': 'select' }, '[🔍]'],
    ['a line that says nothing', { msg: 'payment of 30 € completed' }, ''],
  ])('%s', (_, fields, expected) => {
    expect(markersOf({ ...request, ...fields })).toBe(expected)
  })

  it('shows the verb of `request` like that of `req`', () => {
    const record = { request: { method: 'delete' }, res: { statusCode: 404 } }

    expect(markersOf(record)).toBe('[🚮][🤷]')
  })
})

describe('one meaning', () => {
  const pairs: Record<string, LogRecord> = {
    '[📤][❌]': {
      'http.request.method': 'POST',
      'http.method': 'POST',
      req: { method: 'POST' },
      'http.response.status_code': 400,
      'http.status_code': 400,
      'http.status_class': '4xx',
      res: { statusCode: 400 },
      statusCode: 400,
      err: { status: 400, code: 'FST_ERR_VALIDATION', type: 'FastifyError' },
    },
    '[🐘][🆕][👥]': {
      'db.system.name': 'postgresql',
      'db.system': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.operation': 'INSERT',
      'db.statement': 'INSERT INTO users',
      sql: 'INSERT INTO users',
      'error.type': '23505',
      err: { code: '23505', type: 'DatabaseError', name: 'error' },
    },
    '[🙅]': { err: { code: 'ECONNREFUSED', type: 'Error' }, 'error.type': 'ECONNREFUSED' },
    '[✋]': { err: { code: 'ABORT_ERR', name: 'AbortError', type: 'AbortError' } },
    '[⏰]': { err: { code: 'ETIMEDOUT', type: 'Error', message: 'connect ETIMEDOUT 10.0.0.1:80' } },
    '[🛑]': { signal: 'SIGTERM', 'process.signal': 'SIGTERM' },
  }

  it.each(Object.entries(pairs))('shows as %s, however many names it has', (markers, record) => {
    expect(markersOf(record)).toBe(markers)
  })

  it('belongs to one set: each error code has one owner', () => {
    const database = Object.keys(mappingOf('database', 'error').visualMarkers ?? {})
    const system = Object.keys(mappingOf('system', 'error').visualMarkers ?? {})

    expect(database.filter((code) => system.includes(code))).toEqual([])
    // SQLSTATE has five characters, and so have some names of the operating system.
    for (const [code, set] of [
      ['23505', 'database'],
      ['EPIPE', 'system'],
      ['EPERM', 'system'],
      ['ENXIO', 'system'],
      ['P2002', 'database'],
    ] as const) {
      expect(enrich({ err: { code } }).markers.map((marker) => marker.set)).toEqual([set])
    }
  })

  it('leaves a word in status to the system set, and a number to the http set', () => {
    expect(enrich({ status: 'success' }).markers[0]?.set).toBe('system')
    expect(enrich({ status: 200 }).markers[0]?.set).toBe('http')
    expect(markersOf({ status: 3 })).toBe('')
  })

  it('gives way to a set without a priority where names are as common as status and duration', () => {
    expect(sets.find((set) => set.name === 'system')?.priority).toBeLessThan(0)
  })
})

describe('metadata', () => {
  it.each([
    [{ 'res.statusCode': 204 }, { 'http.success': true }],
    [{ 'http.status_class': '2xx' }, { 'http.success': true }],
    [{ 'db.system': 'postgres' }, { 'db.type': 'sql', 'db.vendor': 'postgresql' }],
    [{ 'db.system': 'elasticsearch' }, { 'db.type': 'search', 'db.vendor': 'elastic' }],
    [{ 'db.operation': 'select' }, { 'db.read': true }],
    [{ 'db.operation': 'delete' }, { 'db.write': true }],
    [{ 'db.outcome': 'success' }, { 'db.success': true }],
    [{ 'db.outcome': 'error' }, { 'db.error': true }],
    [{ 'db.outcome': 'timeout' }, { 'db.timeout': true }],
    [{ 'db.operation': 'commit' }, { 'db.transaction': 'commit' }],
    [{ 'err.code': 'ECONNREFUSED' }, { 'err.class': 'refused' }],
    [{ 'err.code': '40001' }, { 'err.class': 'conflict' }],
  ])('of %j is %j', (record, metadata) => {
    expect({ ...enrich(record).metadata }).toEqual(metadata)
  })

  it.each(Object.keys(STATUS_CODES).map(Number))('agrees with the class of status %i', (status) => {
    const { metadata = {}, markers } = enrich({ res: { statusCode: status } })
    const ofClass: Record<string, object> = {
      2: { 'http.success': true },
      4: { 'http.client_error': true },
      5: { 'http.server_error': true },
    }

    expect(markers).toHaveLength(1)
    expect({ ...metadata }).toEqual(ofClass[Math.floor(status / 100)] ?? {})
  })

  it('does not call a SET of SQL a write', () => {
    expect(enrich({ sql: "set search_path to 'shop'" }).metadata).toBeUndefined()
  })
})

describe.each(['database', 'system'])('the error codes of %s', (set) => {
  const codes = Object.keys(mappingOf(set, 'error').visualMarkers ?? {})
  // Numbers of MongoDB stand in db.response.status_code, or in err.code as numbers.
  const inErrors = codes.filter((code) => !/^1\d{4}$/.test(code))

  it.each(inErrors)('%s is found in an error, in the upper case that libraries write', (code) => {
    const { markers } = enrich({ err: { code: code.toUpperCase() } })

    expect(markers.map((marker) => [marker.set, marker.key])).toEqual([[set, code]])
  })
})

describe('every code of', () => {
  const classOf = (code: string) => enrich({ err: { code } }).metadata?.['err.class']

  it('the operating system has a class', () => {
    // UNKNOWN says nothing.
    const leftOut = ['UNKNOWN']
    const names = [...getSystemErrorMap().values()].map(([name]) => name)

    expect(names.filter((name) => classOf(name) === undefined)).toEqual(leftOut)
  })

  it('zlib has a class', () => {
    const names = Object.keys(zlibConstants).filter((name) => /^Z_(\w+_ERROR|ERRNO|NEED_DICT)$/.test(name))

    expect(names.length).toBeGreaterThan(5)
    expect(names.filter((name) => classOf(name) === undefined)).toEqual([])
  })

  it('undici has a class, but those that say nothing by themselves or go by their name', () => {
    const codes = Object.values(undiciErrors).map((Class) => {
      try {
        return String(Reflect.construct(Class, ['', {}, {}]).code)
      } catch {
        return Class.name
      }
    })

    expect(codes.length).toBeGreaterThan(20)
    expect(codes.filter((code) => code.startsWith('UND_ERR') && classOf(code) === undefined).sort()).toEqual([
      'UND_ERR',
      'UND_ERR_ABORT',
      'UND_ERR_ABORTED',
      'UND_ERR_BPL_MISSING_UPSTREAM',
      'UND_ERR_INFO',
      'UND_ERR_REQ_RETRY',
      'UND_ERR_RESPONSE',
    ])
  })

  it('fastify that is about time or an address has a class; the others come with a status or are mistakes in code', () => {
    const codes = Object.keys(fastify.errorCodes)

    expect(codes.length).toBeGreaterThan(80)
    expect(codes.filter((code) => classOf(code) !== undefined).sort()).toEqual([
      'FST_ERR_HANDLER_TIMEOUT',
      'FST_ERR_HOOK_TIMEOUT',
      'FST_ERR_INSTANCE_ALREADY_LISTENING',
      'FST_ERR_PLUGIN_TIMEOUT',
    ])
  })

  it('a signal has a marker, but those that a process ignores by default', () => {
    const names = Object.keys(constants.signals)
    const quiet = ['SIGCHLD', 'SIGURG', 'SIGWINCH', 'SIGIO', 'SIGPOLL', 'SIGPWR', 'SIGINFO', 'SIGLOST']

    expect(names.filter((name) => markersOf({ signal: name }) === '' && !quiet.includes(name))).toEqual([])
  })

  it('a verb that Node knows has a marker', () => {
    expect(METHODS.filter((method) => markersOf({ 'http.request.method': method }) === '')).toEqual([])
  })
})

describe('what is normal or already visible stays quiet', () => {
  const quiet: readonly (readonly [logKey: string, value: string | number | boolean])[] = [
    ['level', 30],
    ['level', 50],
    ['msg', 'request completed'],
    ['msg', 'incoming request'],
    ['url.scheme', 'https'],
    ['http.scheme', 'http'],
    ['network.protocol.version', '1.1'],
    ['http.flavor', '2.0'],
    ['http.connection.state', 'idle'],
    ['responseTime', 999],
    ['http.server.request.duration', 0.999],
    ['http.route', '/users/:id'],
    ['url.path', '/users'],
    ['http.target', '/users'],
    ['url.full', 'http://localhost/users'],
    ['user_agent.original', 'curl/8.5.0'],
    ['http.request.body.size', 100_000],
    ['http.request.resend_count', 1],
    ['req.url', '/users'],
    ['res.statusCode', 0],
    ['method', 'GET'],
    ['error.type', '500'],
    ['error.type', '_OTHER'],
    ['err.type', 'TypeError'],
    ['err.message', 'EMAIL is missing'],
    ['err.syscall', 'connect'],
    ['err.code', 20],
    ['err.code', 14],
    ['err.code', '14'],
    ['err.code', 'rate_limit_exceeded'],
    ['err.code', 'P0001'],
    ['db.response.status_code', '00000'],
    ['db.namespace', 'shop'],
    ['db.collection.name', 'users'],
    ['db.response.returned_rows', 1000],
    ['db.client.connection.state', 'used'],
    ['cassandra.consistency.level', 'quorum'],
    ['db.client.operation.duration', 0.2],
    ['status', 'whatever'],
    ['domain', 'example.org'],
    ['action', 'whatever'],
    ['duration', 20],
    ['process.state', 'running'],
    ['process.state', 'sleeping'],
    ['cpu.mode', 'user'],
    ['system.memory.state', 'free'],
    ['system.filesystem.state', 'used'],
    ['disk.io.direction', 'read'],
    ['network.io.direction', 'transmit'],
    ['system.paging.fault.type', 'major'],
    ['nodejs.eventloop.state', 'active'],
    ['v8js.gc.type', 'major'],
    ['network.connection.state', 'established'],
    ['network.transport', 'tcp'],
    ['network.type', 'ipv4'],
    ['os.type', 'linux'],
    ['host.arch', 'arm64'],
    ['deployment.environment.name', 'production'],
    ['service.criticality', 'high'],
    ['trace_id', '0af7651916cd43dd8448eb211c80319c'],
  ]

  it.each(quiet)('%s %s', (logKey, value) => {
    const { markers, metadata } = enrich({ [logKey]: value })

    expect(markers).toEqual([])
    expect(metadata).toBeUndefined()
  })
})

function words(logKey: string, text: string): Row[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word): Row => [logKey, word, word.toLowerCase()])
}
