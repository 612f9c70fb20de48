import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { build } from '../../src/pretty/pretty-stream.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'eventsets-pretty-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program in the project, so that it finds the public names. */
function runProgram(code: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' })
}

/** A destination that keeps what it gets. */
function keep() {
  const texts: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      texts.push(String(chunk))
      done()
    },
  })
  return { texts, destination }
}

describe('the stream', () => {
  test('it writes what pino logs as text for people', async () => {
    const { texts, destination } = keep()
    const stream = build({ destination, colorize: false, ignore: 'pid,hostname,time' })
    const logger = pino(stream)
    logger.info({ a: 1 }, 'hello')
    logger.warn('goodbye')
    stream.end()
    await once(destination, 'close')

    expect(texts.join('')).toBe('INFO: hello\n    a: 1\nWARN: goodbye\n')
  })

  test('it passes on a line that is no record', async () => {
    const { texts, destination } = keep()
    const stream = build({ destination, colorize: false })
    stream.end('{"msg":"a"}\nno record\n')
    await once(destination, 'close')

    expect(texts.sort()).toEqual(['a\n', 'no record\n'])
  })

  test('it takes over the keys and levels of a logger that tells them', async () => {
    const { texts, destination } = keep()
    const stream = build({ destination, colorize: false })
    stream.emit('message', { code: 'OTHER' })
    stream.emit('message', {
      code: 'PINO_CONFIG',
      config: { messageKey: 'text', errorKey: 'problem', levels: { values: { audit: 35 } } },
    })
    stream.end('{"level":35,"text":"hello","problem":{"stack":"a\\nb"}}\n')
    await once(destination, 'close')

    expect(texts.join('')).toBe(
      'AUDIT: hello\n    problem: {\n      "stack":\n          a\n          b\n    }\n',
    )
  })

  test('it writes to a file, making its folder, and what comes last too', () => {
    const file = join(folder, 'made/app.log')
    for (const [text, append] of [
      ['gone', true],
      ['one', false],
      ['two', true],
    ])
      runProgram(`
        import pino from 'pino'
        import pretty from 'eventsets/pretty'
        const options = { destination: ${JSON.stringify(file)}, mkdir: true, append: ${append}, colorize: false, ignore: 'time,pid,hostname' }
        pino(pretty(options)).info('${text}')`)

    expect(readFileSync(file, 'utf8')).toBe('INFO: one\nINFO: two\n')
  })

  test('it writes before the log call returns when it is asked to', () => {
    const output = runProgram(`
      import pino from 'pino'
      import { build } from 'eventsets/pretty'
      pino(build({ sync: true, colorize: false, ignore: 'time,pid,hostname' })).info('hello')
      process.exit()`)

    expect(output).toBe('INFO: hello\n')
  })

  test('it is told the levels and keys of a logger in its own process', () => {
    const output = runProgram(`
      import pino from 'pino'
      import pretty from 'eventsets/pretty'
      const stream = pretty({ sync: true, colorize: false, ignore: 'time,pid,hostname' })
      pino({ customLevels: { audit: 35 }, messageKey: 'text' }, stream).audit('hello')`)

    expect(output).toBe('AUDIT: hello\n')
  })

  test('it is a transport in a worker', () => {
    const output = runProgram(`
      import pino from 'pino'
      const options = { colorize: false, ignore: 'time,pid,hostname', messageKey: 'text' }
      const transport = { target: 'eventsets/pretty', options }
      pino({ transport, messageKey: 'text' }).info('hello')`)

    expect(output).toBe('INFO: hello\n')
  })

  test('it is silent when its reader has left', async () => {
    const code = `
      import pino from 'pino'
      import { build } from 'eventsets/pretty'
      const logger = pino(build({ colorize: false }))
      for (let i = 0; i < 20_000; i++) logger.info({ i }, 'x'.repeat(100))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: root })
    let errors = ''
    child.stderr.on('data', (text) => {
      errors += text
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const [exitCode] = await once(child, 'close')

    expect([exitCode, errors]).toEqual([0, ''])
  })
})

test('it loads what a stream needs for streams only', () => {
  const packages = new Set<string>()
  const visited = new Set<string>()
  const visit = (file: string) => {
    if (visited.has(file)) return
    visited.add(file)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export|\}).* from '([^']+)'$/gm,
    )) {
      if (specifier.startsWith('.')) visit(join(file, '..', specifier))
      else packages.add(specifier)
    }
  }
  visit(join(root, 'src/pretty/renderer.ts'))

  expect(visited.size).toBeGreaterThan(10)
  expect([...packages]).toEqual(['node:tty'])
})
