import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import pino from 'pino'
import { expect, test, vi } from 'vitest'
import { EventSetRegistry } from '../../src/core/registry.ts'
import { getRegistry } from '../../src/discovery/process-registry.ts'
import { eventsetsStream, type StreamOptions } from '../../src/pino/stream.ts'
import { runApp, temporaryFolder } from '../fixtures/apps/run-app.ts'
import { ordersRegistry } from '../fixtures/orders.ts'

const quiet = { base: null, timestamp: false }

/** A logger on a stream, and what it has written so far. */
function open(options: StreamOptions = {}, loggerOptions: pino.LoggerOptions = {}) {
  let text = ''
  const destination = {
    write(bytes: Buffer) {
      text += bytes
      return true
    },
  }
  const stream = eventsetsStream({ registry: ordersRegistry(), destination, colorize: false, ...options })
  return { logger: pino({ ...quiet, ...loggerOptions }, stream), stream, written: () => text }
}

const colours = {
  name: 'colours',
  mappings: [{ name: 'colour', visualMarkers: { red: '🔴' } }],
  fieldMappings: [{ logKey: 'colour', mapping: 'colour' }],
}

test('it has written when the log call returns', () => {
  const { logger, written } = open()
  logger.info({ state: 'paid' }, 'order')

  expect(written()).toBe('INFO: [💰] order\n    state: "paid"\n')
})

test('it shows a set that is registered at run time on the very next line', () => {
  const registry = ordersRegistry()
  const { logger, written } = open({ registry, hideObject: true })
  logger.info({ colour: 'red' }, 'one')
  registry.registerEventSet(colours)
  logger.info({ colour: 'red' }, 'two')
  registry.registerEventSet(
    { ...colours, mappings: [{ name: 'colour', visualMarkers: { red: '🟥' } }] },
    { override: true },
  )
  logger.info({ colour: 'red' }, 'three')
  registry.removeEventSet('colours')
  logger.info({ colour: 'red' }, 'four')

  expect(written()).toBe('INFO: one\nINFO: [🔴] two\nINFO: [🟥] three\nINFO: four\n')
})

test('it uses the registry of the process unless given one', () => {
  const { logger, written } = open({ registry: undefined, hideObject: true })
  getRegistry().registerEventSet(colours)
  logger.info({ colour: 'red', res: { statusCode: 200 } }, 'one')
  getRegistry().removeEventSet('colours')
  logger.info({ colour: 'red' }, 'two')

  expect(written()).toBe('INFO: [✅][🔴] one\nINFO: two\n')
})

test('it takes levels, message key and error key from the logger', () => {
  const { logger, written } = open(
    {},
    { customLevels: { audit: 35 }, messageKey: 'message', errorKey: 'problem' },
  )
  logger.info('one')
  ;(logger as unknown as { audit(text: string): void }).audit('two')
  logger.error(new Error('three'))

  expect(written()).toMatch(/^INFO: one\nAUDIT: two\nERROR: three\n {4}problem: \{\n {6}"type": "Error",\n/)
  expect(written()).toMatch(/"stack":\n {10}Error: three\n {14}at /)
})

test('it shows redacted fields as redacted, and string labels of levels', () => {
  const { logger, written } = open(
    {},
    { redact: ['password', 'state'], formatters: { level: (label) => ({ level: label }) } },
  )
  logger.warn({ password: 'secret', state: 'paid' }, 'one')

  expect(written()).toBe('WARN: [📦] one\n    password: "[Redacted]"\n    state: "[Redacted]"\n')
})

test('it enriches what a child logger brings along', () => {
  const { logger, written } = open({ output: 'json', metadata: false })
  logger.child({ state: 'lost' }).info('one')

  expect(written()).toBe('{"level":30,"state":"lost","msg":"one","markers":["💥"]}\n')
})

test('it takes functions: customPrettifiers and messageFormat', () => {
  const { logger, written } = open({
    customPrettifiers: { state: (value) => `<<${value}>>` },
    messageFormat: (log, messageKey) => `${String(log[messageKey]).toUpperCase()}!`,
  })
  logger.info({ state: 'paid' }, 'order')

  expect(written()).toBe('INFO: [💰] ORDER!\n    state: <<paid>>\n')
})

test('it does not let a function that throws take the line or the application with it', () => {
  const { logger, written } = open({
    messageFormat: () => {
      throw new Error('no')
    },
  })
  logger.info('order')

  expect(written()).toBe('{"level":30,"msg":"order"}\n')
})

test('it takes a message format as text', () => {
  const { logger, written } = open({ messageFormat: '{state} - {msg}', ignore: 'state' })
  logger.info({ state: 'paid' }, 'order')

  expect(written()).toBe('INFO: paid - [💰] order\n')
})

test.each([true, false])('it colours for a stream that is a terminal, and for no other: %s', (isTTY) => {
  let text = ''
  const destination = { isTTY, write: (bytes: Buffer) => (text += bytes) }
  vi.stubEnv('FORCE_COLOR', undefined)
  vi.stubEnv('NO_COLOR', undefined)
  vi.stubEnv('TERM', 'xterm')
  const stream = eventsetsStream({ registry: ordersRegistry(), destination })
  vi.unstubAllEnvs()
  pino(quiet, stream).info('order')

  expect(text.includes('\u001b[32mINFO')).toBe(isTTY)
})

test('it writes to a stream, a path and a descriptor alike', async () => {
  const folder = temporaryFolder()
  const chunks: Buffer[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  const path = join(folder, 'deep', 'path.log')
  const fd = openSync(join(folder, 'fd.log'), 'w')
  for (const options of [{ destination }, { destination: path, mkdir: true }, { destination: fd }]) {
    const { logger, stream } = open(options)
    logger.info('order')
    stream.end()
    await once(stream, 'finish')
  }
  closeSync(fd)

  expect(Buffer.concat(chunks).toString()).toBe('INFO: order\n')
  expect(readFileSync(path, 'utf8')).toBe('INFO: order\n')
  expect(readFileSync(join(folder, 'fd.log'), 'utf8')).toBe('INFO: order\n')
})

test.each([true, false])('it appends or empties a file as told, with sync %s', async (sync) => {
  const path = join(temporaryFolder(), 'app.log')
  writeFileSync(path, 'old\n')
  for (const append of [undefined, false, true]) {
    const { logger, stream } = open({ destination: path, sync, append })
    logger.info(`append ${append}`)
    stream.end()
    await once(stream, 'finish')
    if (append === undefined) expect(readFileSync(path, 'utf8')).toBe('old\nINFO: append undefined\n')
  }

  expect(readFileSync(path, 'utf8')).toBe('INFO: append false\nINFO: append true\n')
})

test('it gathers lines with sync false, and writes them on flushSync', () => {
  const path = join(temporaryFolder(), 'app.log')
  const { logger, stream } = open({ destination: path, sync: false })
  for (let n = 0; n < 100; n++) logger.info('order')
  stream.flushSync()

  expect(readFileSync(path, 'utf8')).toContain('INFO: order\n')
  stream.end()
})

test.each([true, false])('it throws at once for a path that cannot be opened, with sync %s', (sync) => {
  expect(() => open({ destination: join(temporaryFolder(), 'missing', 'app.log'), sync })).toThrow(
    'set the option "mkdir" to true',
  )
})

test('it writes what is left of a last line when it ends', async () => {
  const { stream, written } = open()
  stream.end('{"level":30,"msg":"half')
  await once(stream, 'finish')

  expect(written()).toBe('{"level":30,"msg":"half')
})

test('it works as one of the streams of pino.multistream', () => {
  let text = ''
  const stream = eventsetsStream({
    registry: ordersRegistry(),
    colorize: false,
    hideObject: true,
    destination: { write: (bytes: Buffer) => (text += bytes) },
  })
  pino(quiet, pino.multistream([{ stream }])).info({ state: 'paid' }, 'order')

  expect(text).toBe('INFO: [💰] order\n')
})

test('it passes the lines as they are that a transformation logs, and does not call it for them', () => {
  const registry = new EventSetRegistry()
  const output: string[] = []
  let calls = 0
  registry.registerEventSet({
    name: 'talkative',
    mappings: [
      {
        name: 'word',
        visualMarkers: { a: '🦜' },
        transformations: {
          '*': (value) => {
            calls++
            log.info({ word: 'a' }, 'from inside')
            return value
          },
        },
      },
    ],
    fieldMappings: [{ logKey: 'word', mapping: 'word' }],
  })
  const stream = eventsetsStream({
    registry,
    output: 'json',
    destination: { write: (bytes: Buffer) => output.push(bytes.toString()) },
  })
  const log = pino({ base: null, timestamp: false }, stream)
  log.info({ word: 'a' }, 'from outside')

  expect(calls).toBe(1)
  expect(output.join('')).toBe(
    '{"level":30,"word":"a","msg":"from inside"}\n{"level":30,"word":"a","msg":"from outside","markers":["🦜"]}\n',
  )
})

test.skipIf(!existsSync('/dev/full'))(
  'it tells at the end of the process how many lines a full disk has cost',
  async () => {
    const { status, stderr } = await runApp('full-disk-stream')

    expect(stderr).toContain('5 lines could not be written to /dev/full and are lost.')
    expect(status).toBe(0)
  },
)
