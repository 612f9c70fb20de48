import type { LogRecord } from 'eventsets'
import { eventSetConformance } from 'eventsets/testing'
import { describe, expect, it } from 'vitest'
import { logged, openPlugin, type Row, words } from '../../../test/plugins/open-plugin.ts'
import { describeLine, describeNames, describeRows } from '../../../test/plugins/plugin-cases.ts'

const plugin = openPlugin('rpc')
const { set, alone, builtIn, beside, show } = plugin

describe('the set conforms', () => {
  for (const { name, run } of eventSetConformance(set)) it(name, run)
})

/** The status codes of gRPC and Connect, in the order of their numbers. */
const codes =
  `OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
  RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS
  UNAUTHENTICATED`.split(/\s+/)
const failures = codes.slice(1)

/** The error codes that JSON-RPC reserves. */
const reserved = [
  [-32700, 'parse_error'],
  [-32600, 'invalid_request'],
  [-32601, 'method_not_found'],
  [-32602, 'invalid_params'],
  [-32603, 'internal_error'],
  [-32000, 'server_error'],
  [-32099, 'server_error'],
] as const

const rows: Record<string, readonly Row[]> = {
  'the protocol': [
    ...words('rpc.system.name', 'grpc dubbo connectrpc jsonrpc'),
    ...words('rpc.system', 'grpc java_rmi dotnet_wcf apache_dubbo connect_rpc onc_rpc jsonrpc'),
    ['rpc.system.name', 'trpc', 'default'],
  ],
  'the status, by name': [
    ...words('rpc.status_code', codes.join(' ')),
    ...words('rpc.response.status_code', codes.join(' ')),
    ...words('rpc.connect_rpc.error_code', failures.join(' ').toLowerCase()),
    ['rpc.status_code', 'canceled', 'canceled'],
    ...words(
      'rpc.status_code',
      `CLIENT_TIMEOUT SERVER_TIMEOUT BAD_REQUEST BAD_RESPONSE SERVICE_NOT_FOUND SERVICE_ERROR SERVER_ERROR
       CLIENT_ERROR SERVER_THREADPOOL_EXHAUSTED_ERROR`,
    ),
  ],
  'the status, by number': codes.flatMap((code, number): Row[] => [
    ['rpc.grpc.status_code', number, code.toLowerCase()],
    ['rpc.grpc.status_code', `${number}`, code.toLowerCase()],
  ]),
  'errors of gRPC and Connect': failures.flatMap((code, index): Row[] => {
    const number = index + 1
    const key = code.toLowerCase()
    return [
      ['err.code', number, key, { err: { type: 'Error', message: `${number} ${code}: why` } }],
      ['err.code', number, key, { err: { type: 'ClientError', message: `/shop.Orders/Get ${code}: why` } }],
      ['err.code', number, key, { err: { type: 'ServerError', message: `${code}: why` } }],
      ['err.code', number, key, { err: { type: 'ConnectError', name: 'ConnectError' } }],
    ]
  }),
  'errors of JSON-RPC': [
    ...reserved.flatMap(([code, key]): Row[] => [
      ['rpc.status_code', `${code}`, key],
      ['rpc.response.status_code', `${code}`, key],
      ['rpc.jsonrpc.error_code', code, key],
      ['err.code', code, key],
      ['err.code', code, key, { err: { type: 'ResponseError' } }],
      ['err.code', code, key, { err: { type: 'JSONRPCErrorException' } }],
    ]),
    ['err.code', -32800, 'request_cancelled'],
    ['err.code', -32801, 'content_modified'],
    ['err.code', -32802, 'server_cancelled'],
    ['err.code', -32803, 'request_failed'],
    ['rpc.status_code', '100', 'default', { 'rpc.system.name': 'jsonrpc' }],
    ['rpc.status_code', '5', 'default', { 'rpc.system': 'jsonrpc' }],
    ['rpc.status_code', 'OK', 'ok', { 'rpc.system.name': 'jsonrpc' }],
    ['rpc.jsonrpc.error_code', 100, 'default'],
  ],
  'errors of tRPC': [
    ...['TRPCError', 'TRPCClientError'].flatMap((name) =>
      words(
        name === 'TRPCError' ? 'err.code' : 'err.data.code',
        `PARSE_ERROR BAD_REQUEST INTERNAL_SERVER_ERROR NOT_IMPLEMENTED BAD_GATEWAY SERVICE_UNAVAILABLE GATEWAY_TIMEOUT
         UNAUTHORIZED PAYMENT_REQUIRED FORBIDDEN NOT_FOUND METHOD_NOT_SUPPORTED TIMEOUT CONFLICT PRECONDITION_FAILED
         PAYLOAD_TOO_LARGE UNSUPPORTED_MEDIA_TYPE UNPROCESSABLE_CONTENT PRECONDITION_REQUIRED TOO_MANY_REQUESTS
         CLIENT_CLOSED_REQUEST`,
        { err: { type: name, name } },
      ),
    ),
  ],
  GraphQL: [
    ...words('graphql.operation.type', 'query mutation subscription'),
    ['err.type', 'GraphQLError', 'graphqlerror'],
    ...words(
      'err.extensions.code',
      `INTERNAL_SERVER_ERROR GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED PERSISTED_QUERY_NOT_FOUND
       PERSISTED_QUERY_NOT_SUPPORTED BAD_USER_INPUT OPERATION_RESOLUTION_FAILURE INTROSPECTION_DISABLED
       MAX_RECURSIVE_SELECTIONS_EXCEEDED UNAUTHENTICATED FORBIDDEN`,
    ),
  ],
  'a long time': [
    ['rpc.server.call.duration', 1, 'slow'],
    ['rpc.client.call.duration', 5, 'very_slow'],
    ['rpc.server.duration', 1000, 'slow'],
    ['rpc.client.duration', 5000, 'very_slow'],
  ],
}

describeRows(plugin, rows)

describe('records of libraries', () => {
  const error = (type: string, message: string, fields: object) =>
    logged(Object.assign(new (named(type))(message), fields))
  const grpc = (code: number, name: string, details: string) =>
    error('Error', `${code} ${name}: ${details}`, { code, details, metadata: {} })
  const refused = 'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:50051'

  it.each<[string, LogRecord, string]>([
    ['@grpc/grpc-js: there is no such thing', grpc(5, 'NOT_FOUND', 'no such order'), '[🤷]'],
    ['@grpc/grpc-js: no answer in time', grpc(4, 'DEADLINE_EXCEEDED', 'after 0.1s'), '[⏰]'],
    ['@grpc/grpc-js: a handler that threw', grpc(2, 'UNKNOWN', 'Unknown error'), '[🔥]'],
    ['@grpc/grpc-js: no server, and why', grpc(14, 'UNAVAILABLE', refused), '[🚧][🙅]'],
    [
      '@connectrpc/connect',
      error('ConnectError', '[permission_denied] not yours', {
        name: 'ConnectError',
        isWireError: true,
        rawMessage: 'not yours',
        code: 7,
        metadata: {},
        details: [],
      }),
      '[⛔]',
    ],
    [
      'nice-grpc, the client',
      error('ClientError', '/shop.Orders/Get NOT_FOUND: no such order', {
        path: '/shop.Orders/Get',
        code: 5,
        details: 'no such order',
      }),
      '[🤷]',
    ],
    [
      'nice-grpc, the server',
      error('ServerError', 'ABORTED: try again', { code: 10, details: 'try again' }),
      '[💥]',
    ],
    ['vscode-jsonrpc', error('ResponseError', 'Unhandled method foo', { code: -32601 }), '[🙈]'],
    ['json-rpc-2.0', error('JSONRPCErrorException', 'x', { code: -32000 }), '[🔥]'],
    [
      '@modelcontextprotocol/sdk',
      error('McpError', 'MCP error -32602: x', { name: 'McpError', code: -32602 }),
      '[💢]',
    ],
    ['viem and others', error('RpcRequestError', 'execution reverted', { code: -32000 }), '[🔥]'],
    ['@trpc/server', error('TRPCError', 'No post', { name: 'TRPCError', code: 'NOT_FOUND' }), '[🤷]'],
    [
      '@trpc/client',
      error('TRPCClientError', 'No post', {
        name: 'TRPCClientError',
        shape: { code: -32004, data: {} },
        data: { code: 'UNAUTHORIZED', httpStatus: 401, path: 'post.byId' },
      }),
      '[🔑]',
    ],
    [
      'mercurius: a resolver threw',
      error('GraphQLError', 'boom', { path: ['bad'], locations: [{ line: 1, column: 3 }], extensions: {} }),
      '[❌]',
    ],
    [
      'Apollo Server: not logged in',
      error('GraphQLError', 'Log in', { extensions: { code: 'UNAUTHENTICATED' } }),
      '[❌][🔑]',
    ],
    [
      "Apollo Server: an application's own code",
      error('GraphQLError', 'Out', { extensions: { code: 'SOLD_OUT' } }),
      '[❌]',
    ],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })

  it('takes a number for a code of gRPC only where the error is one of gRPC', () => {
    expect(show(error('Error', 'exit 5', { code: 5, details: 'none' }))).toBe('')
    expect(show(error('ClientError', 'no such order', { code: 5, details: 'none' }))).toBe('')
    expect(show(error('ResponseError', 'no such index', { statusCode: 404 }))).toBe('')
    expect(show(error('DatabaseError', 'Not unique', { code: '23505' }))).toBe('[👥]')
  })
})

describe('one meaning', () => {
  it.each<[string, LogRecord]>([
    [
      '[🐶][✅]',
      { 'rpc.system.name': 'grpc', 'rpc.system': 'grpc', 'rpc.status_code': 'OK', 'rpc.grpc.status_code': 0 },
    ],
    [
      '[🐶][🚧]',
      {
        'rpc.system': 'grpc',
        'rpc.response.status_code': 'UNAVAILABLE',
        'rpc.grpc.status_code': 14,
        err: { type: 'Error', code: 14, message: '14 UNAVAILABLE: no server', details: 'no server' },
      },
    ],
    [
      '[🤝][⛔]',
      {
        'rpc.system.name': 'connectrpc',
        'rpc.connect_rpc.error_code': 'permission_denied',
        err: {
          type: 'ConnectError',
          name: 'ConnectError',
          code: 7,
          message: '[permission_denied] not yours',
        },
      },
    ],
    [
      '[🔣][💢]',
      {
        'rpc.system.name': 'jsonrpc',
        'rpc.status_code': '-32602',
        'rpc.jsonrpc.error_code': -32602,
        err: { type: 'ResponseError', code: -32602 },
      },
    ],
    ['[🐶][✅][🐢]', { 'rpc.system.name': 'grpc', 'rpc.status_code': 'OK', 'rpc.server.call.duration': 1.2 }],
  ])('shows as %s, however many names it has', (markers, record) => {
    expect(show(record)).toBe(markers)
  })

  it('reads bare fields in a record about the set', () => {
    expect(show({ msg: 'rpc_finished', system: 'grpc', status_code: 'OK' })).toBe('[🐶][✅]')
  })
})

describe('metadata', () => {
  it.each<[LogRecord, object]>([
    [{ 'rpc.status_code': 'OK' }, { 'rpc.success': true }],
    [{ 'rpc.grpc.status_code': 0 }, { 'rpc.success': true }],
    [{ 'rpc.status_code': 'DEADLINE_EXCEEDED' }, { 'err.class': 'timeout' }],
    [{ 'rpc.status_code': '-32601' }, { 'err.class': 'unsupported' }],
  ])('of %j is %j', (record, metadata) => {
    expect({ ...alone.enrich(record).metadata }).toEqual(metadata)
  })

  it('calls no failure a success', () => {
    for (const code of failures) {
      const { metadata = {}, markers } = alone.enrich({ 'rpc.status_code': code })

      expect(metadata, code).not.toHaveProperty('rpc.success')
      expect(metadata, code).toHaveProperty(['err.class'])
      expect(markers[0]?.marker, code).not.toBe('✅')
    }
  })
})

describe('what is normal or already visible stays quiet', () => {
  it.each<[string, unknown]>([
    ['rpc.method', 'shop.Orders/Get'],
    ['rpc.service', 'shop.Orders'],
    ['rpc.message.type', 'SENT'],
    ['jsonrpc.request.id', '7'],
    ['jsonrpc.protocol.version', '2.0'],
    ['graphql.operation.name', 'query'],
    ['graphql.document', 'query { add }'],
    ['rpc.server.call.duration', 0.9],
    ['rpc.client.duration', 999],
    ['rpc.status_code', 'a status of tomorrow'],
    ['err.code', 14],
    ['err.code', -2],
    ['err.code', 'NOT_FOUND'],
    ['err.type', 'Error'],
  ])('%s %j', (logKey, value) => {
    const { markers, metadata } = beside.enrich({ [logKey]: value })

    expect(markers).toEqual([])
    expect(metadata).toBeUndefined()
  })
})

describe('beside the built-in sets', () => {
  it.each<[string, LogRecord]>([
    [
      'a request',
      { req: { method: 'GET' }, res: { statusCode: 200 }, responseTime: 1200, msg: 'request completed' },
    ],
    ['a query', { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' }],
    ['an error of the database', { err: { type: 'DatabaseError', code: '23505' } }],
    ['an error of MongoDB', { err: { type: 'MongoServerError', code: 11000 } }],
    ['an error of the platform', { err: { type: 'Error', code: 'ECONNREFUSED' } }],
    ['a time that is over', { err: { type: 'TimeoutError', name: 'TimeoutError', code: 23 } }],
    ['a process', { signal: 'SIGTERM', exitCode: 1 }],
    ['an action', { domain: 'user', action: 'login', status: 'success', duration_ms: 6000 }],
  ])('%s looks as it did', (_, record) => {
    expect(beside.enrich(record)).toEqual(builtIn.enrich(record))
    expect(show(record)).not.toBe('')
  })
})

/** An error class of a library that is not installed here; pino writes its name into err.type. */
function named(name: string): ErrorConstructor {
  return { [name]: class extends Error {} }[name] as unknown as ErrorConstructor
}

describe('the README', () => {
  describeNames(plugin)
  describeLine(plugin)
})
