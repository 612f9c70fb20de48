import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../src/index.ts'
import { enrich, markersOf } from './load.ts'

const folder = new URL('../fixtures/records/', import.meta.url)

/** What each record of a fixture shows, in the order of the file. */
const expected: Record<string, readonly (readonly [title: string, markers: string])[]> = {
  'pino-http': [
    ['a finished GET', '[📥][✅]'],
    ['a finished POST', '[📤][✅]'],
    ['a finished PUT', '[📝][✅]'],
    ['a finished PATCH', '[🩹][✅]'],
    ['a finished DELETE', '[🚮][✅]'],
    ['a finished HEAD', '[👀][✅]'],
    ['a finished OPTIONS', '[🧭][✅]'],
    ['a verb that no one knows', '[🌐][✅]'],
    ['a redirect', '[📥][🔀]'],
    ['an answer that the client has already', '[📥][🎯]'],
    ['a bad request', '[📤][❌]'],
    ['a request without credentials', '[📥][🔑]'],
    ['a request that is forbidden', '[📥][⛔]'],
    ['a page that is not there', '[📥][🤷]'],
    ['a client that asks too often', '[📥][🚦]'],
    ['an error of the server, once', '[📥][🔥]'],
    ['an error of the server, and its cause', '[📥][🔥][🙅]'],
    ['a server that is not available', '[📥][🚧]'],
    ['a slow answer', '[📥][✅][🐢]'],
    ['a finished GET under renamed keys', '[📥][✅]'],
    ['an error under renamed keys', '[📥][🔥]'],
    ['a request aborted before the answer, which is an end too', '[📥][💔]'],
    ['a request aborted amid the answer, which is no success', '[📥][💔]'],
  ],
  fastify: [
    ['the server listens', ''],
    ['a GET comes in', '[📥]'],
    ['the GET is done', '[✅]'],
    ['a POST comes in', '[📤]'],
    ['the POST is done', '[✅]'],
    ['a POST of something invalid comes in', '[📤]'],
    ['its input is rejected', '[❌]'],
    ['it is done', '[❌]'],
    ['a POST that is too large comes in', '[📤]'],
    ['its size is rejected', '[❌]'],
    ['it is done', '[❌]'],
    ['a GET of nothing comes in', '[📥]'],
    ['there is no such route', ''],
    ['it is done', '[🤷]'],
    ['a GET of something forbidden comes in', '[📥]'],
    ['it is refused', '[⛔]'],
    ['it is done', '[⛔]'],
    ['a GET comes in that will fail', '[📥]'],
    ['its handler throws', '[📥][🔥]'],
    ['it is done', '[🔥]'],
    ['a GET comes in whose upstream is down', '[📥]'],
    ['its handler throws, with a cause', '[📥][🔥][🙅]'],
    ['it is done', '[🔥]'],
    ['a GET comes in that takes long', '[📥]'],
    ['it is done, late', '[✅][🐢]'],
    ['a GET of a stream comes in', '[📥]'],
    ['the stream breaks off, which is no success', '[💔]'],
    ['a plugin is not ready in time, which is no answer of a server', '[⏰]'],
  ],
  undici: [
    ['request: refused', '[🙅]'],
    ['fetch: refused, the code left in the message only', '[🙅]'],
    ['fetch: refused, the cause kept', '[🙅]'],
    ['request: unknown name', '[📇]'],
    ['fetch: unknown name, the code left in the message only', '[📇]'],
    ['fetch: unknown name, the cause kept', '[📇]'],
    ['no connection in time', '[⏰]'],
    ['no headers in time', '[⏰]'],
    ['no body in time', '[⏰]'],
    ['closed before the answer', '[💔]'],
    ['an answer that is not HTTP: the client gives no code', ''],
    ['fetch: given up after a time, code 23', '[⏰]'],
    ['fetch: called off, code 20', '[✋]'],
    ['a bad status as an error', ''],
  ],
  pg: [
    ['unique violation', '[🐘][🆕][👥]'],
    ['foreign key violation', '[🐘][🆕][📏]'],
    ['not-null violation', '[🐘][🆕][📏]'],
    ['check violation', '[🐘][🆕][📏]'],
    ['undefined table', '[🐘][🔍][👻]'],
    ['undefined column', '[🐘][🔍][👻]'],
    ['undefined function', '[🐘][🔍][👻]'],
    ['syntax error', '[🐘][🔤]'],
    ['invalid text', '[🐘][🔍][💢]'],
    ['division by zero', '[🐘][🔍][💢]'],
    ['duplicate table', '[🐘][🧱][👥]'],
    ['no transaction', '[🐘][🔖][⏪]'],
    ['raised by a function', '[🐘][📞]'],
    ['a transaction that failed before', '[⏪]'],
    ['connection refused', '[🙅]'],
    ['the database hung up: the driver gives no code', ''],
    ['query timeout: the driver gives no code', ''],
    ['pool timeout: the driver gives no code', ''],
  ],
  knex: [
    ['create table', '[🧱]'],
    ['create table, done', '[🧱]'],
    ['alter table', '[🧱]'],
    ['alter table, done', '[🧱]'],
    ['insert', '[🆕]'],
    ['insert, done', '[🆕]'],
    ['select', '[🔍]'],
    ['select, done', '[🔍]'],
    ['first', '[🔍]'],
    ['first, done', '[🔍]'],
    ['update', '[🔄]'],
    ['update, done', '[🔄]'],
    ['insert of a duplicate', '[🆕]'],
    ['insert of a duplicate, failed', '[🆕][👥]'],
    ['select from nowhere', '[🔍]'],
    ['select from nowhere, failed', '[🔍][👻]'],
    ['begin', '[🟢]'],
    ['insert in the transaction', '[🆕]'],
    ['insert in the transaction, done', '[🆕]'],
    ['commit', '[✅]'],
    ['begin again', '[🟢]'],
    ['delete in the transaction', '[🚮]'],
    ['delete in the transaction, done', '[🚮]'],
    ['no connection in the pool', '[⏰]'],
    ['rollback', '[⏪]'],
    ['raw', '[🔍]'],
    ['raw, done', '[🔍]'],
    ['truncate', '[💣]'],
    ['truncate, done', '[💣]'],
    ['drop table', '[💣]'],
    ['drop table, done', '[💣]'],
  ],
  ioredis: [
    ['the server is down', '[🙅]'],
    ['a command meanwhile: the client gives no code', ''],
    ['set', '[🟥][📝]'],
    ['get', '[🟥][🔍]'],
    ['hset', '[🟥][📝]'],
    ['incr', '[🟥][🔄]'],
    ['lpush', '[🟥][🆕]'],
    ['expire', '[🟥][🔄]'],
    ['multi', '[🟥][🟢]'],
    ['del', '[🟥][🚮]'],
    ['exec', '[🟥][📞]'],
    ['publish', '[🟥][📢]'],
    ['ping', '[🟥]'],
    ['incr of a list', '[🟥][🔄]'],
    ['auth', '[🟥]'],
    ['wrong type: the server gives no code', ''],
    ['wrong password: the server gives no code', ''],
    ['timeout: the client gives no code', ''],
  ],
  node: [
    ['ENOENT', '[👻]'],
    ['EISDIR', '[📁]'],
    ['ENOTDIR', '[📁]'],
    ['EEXIST', '[📁]'],
    ['ENOTEMPTY', '[📁]'],
    ['EACCES', '[⛔]'],
    ['ENOENT of a program', '[👻]'],
    ['EADDRINUSE', '[📍]'],
    ['ECONNREFUSED', '[🙅]'],
    ['Z_DATA_ERROR', '[💀]'],
    ['ERR_MODULE_NOT_FOUND', '[📦]'],
    ['MODULE_NOT_FOUND', '[📦]'],
    ['ERR_INVALID_ARG_TYPE', '[💢]'],
    ['AbortError', '[✋]'],
    ['TimeoutError', '[⏰]'],
    ['a program that failed: its code is a number', ''],
    ['a program that was killed', '[🔪]'],
    ['a bug', ''],
    ['a child that ended well', '[✅]'],
    ['a child that failed', '[❌]'],
    ['a child that was ended', '[🛑]'],
    ['a signal received', '[📟]'],
  ],
  opentelemetry: [
    ['a request', '[📥][✅]'],
    ['a failed and very slow request, all names twice', '[📤][🔥][🐌]'],
    ['a request under older names', '[🚮][🤷]'],
    ['a call that was refused', '[📥][🙅]'],
    ['a call that took too long', '[📥][⏰]'],
    ['a crawler', '[📥][✅][🤖]'],
    ['a query, all names twice', '[🐘][🔍]'],
    ['a query that failed', '[🐘][🆕][👥]'],
    ['a query under older names', '[🪟][🔄]'],
    ['a batch', '[🔮][📝]'],
    ['a slow command', '[🍃][🔄][🐢]'],
    ['a process that was killed', '[🔪]'],
    ['what a resource is, on every line', ''],
    ['a measurement', ''],
  ],
}

describe('records of real libraries', () => {
  it('has expectations for every fixture', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.ndjson'))

    expect(files.map((file) => file.replace('.ndjson', '')).sort()).toEqual(Object.keys(expected).sort())
  })

  describe.each(Object.keys(expected))('%s', (library) => {
    const records = read(library)
    const lines = expected[library] ?? []

    it('has an expectation for every record', () => {
      expect(lines).toHaveLength(records.length)
    })

    it.each(lines.map(([title, markers], index) => ({ title, markers, record: records[index] ?? {} })))(
      '$title shows $markers',
      ({ markers, record }) => {
        expect(markersOf(record)).toBe(markers)
      },
    )

    it('calls no failure a success', () => {
      const failures = records.filter((record) => record['err'] !== undefined)

      for (const record of failures) {
        const metadata = enrich(record).metadata ?? {}
        expect(Object.keys(metadata).filter((name) => name.endsWith('.success'))).toEqual([])
      }
    })
  })
})

function read(library: string): LogRecord[] {
  return readFileSync(new URL(`${library}.ndjson`, folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LogRecord => JSON.parse(line))
    .filter((record) => record['fixture'] === undefined)
}
