import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runApp, temporaryFolder } from '../fixtures/apps/run-app.ts'
import { orders } from '../fixtures/orders.ts'

const quiet = { base: null, timestamp: false }
const request = { object: { req: { method: 'GET' }, res: { statusCode: 200 } }, message: 'request completed' }
const paid = { object: { state: 'paid' }, message: 'order' }

const problems = {
  name: 'problems',
  mappings: [{ name: 'code', visualMarkers: { eoops: '😱' } }],
  fieldMappings: [{ logKey: 'err.code', mapping: 'code' }],
}

function eventsets(options: object = {}) {
  return { target: 'eventsets', options }
}

describe('the transport with pino alone', () => {
  test('it shows records as text, markers before the message, without any option', async () => {
    const { stdout, status } = await runApp('log-records', {
      logger: quiet,
      transport: { target: 'eventsets' },
      records: [request],
    })

    expect(stdout.split('\n')[0]).toBe('INFO: [📥][✅] request completed')
    expect(status).toBe(0)
  })

  test('it writes JSON with the markers in a field', async () => {
    const { stdout } = await runApp('log-records', {
      logger: quiet,
      transport: eventsets({ output: 'json', sets: [orders], metadata: false }),
      records: [paid, { message: 'plain' }],
    })

    expect(stdout).toBe(
      '{"level":30,"state":"paid","msg":"order","markers":["💰"]}\n{"level":30,"msg":"plain"}\n',
    )
  })

  test('it replaces a built-in set when told to override', async () => {
    const http = { ...orders, name: 'http' }
    const { stdout } = await runApp('log-records', {
      logger: quiet,
      transport: eventsets({ sets: [http], override: true, hideObject: true }),
      records: [paid, request],
    })

    expect(stdout).toBe('INFO: [💰] order\nINFO: request completed\n')
  })

  test('it refuses a set of a built-in name without override, readably', async () => {
    const http = { ...orders, name: 'http' }
    const { stdout } = await runApp('error-event', { transport: eventsets({ sets: [http] }) })

    expect(stdout).toContain('sets[0].name: an event set "http" is there already; give this one another name')
  })

  test('it takes the levels and keys of the logger: custom levels, message key, error key', async () => {
    const { stdout } = await runApp('log-records', {
      logger: { ...quiet, customLevels: { audit: 35 }, messageKey: 'message', errorKey: 'problem' },
      transport: eventsets({ sets: [problems], ignore: 'stack' }),
      records: [
        { message: 'one' },
        { level: 'audit', message: 'two' },
        { level: 'audit', object: { code: 'EOOPS' }, error: 'three' },
      ],
    })

    expect(stdout).toContain('INFO: one\nAUDIT: two\nAUDIT: [😱] three\n    problem: {\n')
    // As pino-pretty shows an error: the stack line by line.
    expect(stdout).toContain('\n          Error: three\n              at ')
  })

  test('it finds the fields below a nested key it is told of', async () => {
    const { stdout } = await runApp('log-records', {
      logger: { ...quiet, nestedKey: 'data' },
      transport: eventsets({ sets: [orders], nestedKey: 'data', hideObject: true }),
      records: [paid],
    })

    expect(stdout).toBe('INFO: [💰] order\n')
  })

  test('it knows the levels of a logger that is made when the worker has long been running', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => runApp('late-logger')))

    for (const { stdout } of runs) expect(stdout).toBe('AUDIT: first\nAUDIT: second\n')
  })

  test('it filters by a custom level of the logger', async () => {
    const { stdout } = await runApp('log-records', {
      logger: { ...quiet, customLevels: { audit: 35 } },
      transport: eventsets({ minimumLevel: 'audit' }),
      records: [{ message: 'one' }, { level: 'audit', message: 'two' }, { level: 'error', message: 'three' }],
    })

    expect(stdout).toBe('AUDIT: two\nERROR: three\n')
  })

  test('it shows what pino has redacted as redacted', async () => {
    const { stdout } = await runApp('log-records', {
      logger: { ...quiet, redact: ['user.password', 'state'] },
      transport: eventsets({ sets: [orders], output: 'json' }),
      records: [{ object: { state: 'lost', user: { password: 'secret' } }, message: 'order' }],
    })

    expect(JSON.parse(stdout)).toEqual({
      level: 30,
      state: '[Redacted]',
      user: { password: '[Redacted]' },
      msg: 'order',
      markers: ['📦'],
    })
  })
})

describe('the destination of the transport', () => {
  test('it writes to a descriptor', async () => {
    const { stdout, stderr } = await runApp('log-records', {
      logger: quiet,
      transport: eventsets({ destination: 2 }),
      records: [{ message: 'hello' }],
    })

    expect(stdout).toBe('')
    expect(stderr).toContain('INFO: hello\n')
  })

  test('it appends to a file, and makes its folder when told to', async () => {
    const destination = join(temporaryFolder(), 'deep', 'down', 'app.log')
    const input = {
      logger: quiet,
      transport: eventsets({ destination, mkdir: true }),
      records: [{ message: 'hello' }],
    }
    await runApp('log-records', input)
    await runApp('log-records', input)

    expect(readFileSync(destination, 'utf8')).toBe('INFO: hello\nINFO: hello\n')
  })

  test('it empties a file first with append: false', async () => {
    const destination = join(temporaryFolder(), 'app.log')
    writeFileSync(destination, 'old\n')
    await runApp('log-records', {
      logger: quiet,
      transport: eventsets({ destination, append: false }),
      records: [{ message: 'hello' }],
    })

    expect(readFileSync(destination, 'utf8')).toBe('INFO: hello\n')
  })

  test('it says why a path cannot be opened, in a message that stands alone', async () => {
    const destination = join(temporaryFolder(), 'missing', 'app.log')
    const { stdout } = await runApp('error-event', { transport: eventsets({ destination }) })

    expect(stdout.trim()).toBe(
      `eventsets cannot open ${JSON.stringify(destination)} for writing: no such file or directory (ENOENT). Its directory does not exist; create it, or set the option "mkdir" to true.`,
    )
  })

  test('it says the same in the crash of an application that does not listen for errors', async () => {
    const destination = join(temporaryFolder(), 'missing', 'app.log')
    const { stderr, status } = await runApp('log-records', {
      transport: eventsets({ destination }),
      records: [paid],
    })

    expect(stderr).toContain(`eventsets cannot open ${JSON.stringify(destination)} for writing`)
    expect(status).not.toBe(0)
  })
})

describe('wrong options of the transport', () => {
  test('it names all of them at once, readable in the main thread', async () => {
    const { stdout } = await runApp('error-event', {
      transport: eventsets({ ouput: 'json', markers: 'fild', sets: [{ name: 'a', fieldMappings: [{}] }] }),
    })

    expect(stdout).toContain('The options of the eventsets transport are not valid (')
    expect(stdout).toContain('ouput: is not a known option; did you mean "output"?')
    expect(stdout).toContain('markers: expected')
    expect(stdout).toContain('sets[0].fieldMappings[0].logKey')
  })
})

describe('a transport without a logger', () => {
  test('it writes what it is given and the process ends by itself', async () => {
    const { stdout, status } = await runApp('raw-writes', {
      transport: eventsets({ sets: [orders] }),
      writes: ['{"level":30,"msg":"one","state":"pa', 'id"}\nno json', ' at all\n{"level":40,"msg":"two"}\n'],
    })

    expect(stdout).toBe('INFO: [💰] one\n    state: "paid"\nno json at all\nWARN: two\n')
    expect(status).toBe(0)
  })

  test('it passes on unchanged what is no record, whatever a string can carry', async () => {
    const lines = [
      'plain \u0000 nul',
      'crlf\r',
      '',
      '{"level":30,"msg":"trunc',
      '[1,2]',
      '"text"',
      '  ',
      'ü€🎉',
    ]
    const { stdout } = await runApp('raw-writes', {
      transport: eventsets(),
      writes: [`${lines.join('\n')}\nthe last one has no newline`],
    })

    expect(stdout).toBe(`${lines.join('\n')}\nthe last one has no newline`)
  })

  test('it passes on lines of five megabytes unchanged, and enriches those around them', async () => {
    const huge = {
      before: '{"level":30,"state":"paid","msg":"',
      repeat: 'ü',
      times: 2_600_000,
      after: '"}\n',
    }
    const { stdout, status } = await runApp('raw-writes', {
      transport: eventsets({ sets: [orders], output: 'json', metadata: false }),
      writes: ['{"state":"paid"}\n', huge, '{"state":"lost"}\n', huge],
    })

    const lines = stdout.split('\n')
    expect(lines[0]).toBe('{"state":"paid","markers":["💰"]}')
    expect(lines[1] === lines[3] && lines[1]?.length).toBe(2_600_000 + huge.before.length + 2)
    expect(lines[2]).toBe('{"state":"lost","markers":["💥"]}')
    expect(status).toBe(0)
  })
})

describe('colour', () => {
  const input = { logger: quiet, transport: eventsets(), records: [{ message: 'hello' }] }

  test.each([
    { env: {}, isColoured: false },
    { env: { FORCE_COLOR: '1' }, isColoured: true },
    { env: { FORCE_COLOR: '0' }, isColoured: false },
    { env: { FORCE_COLOR: '1', NO_COLOR: '1' }, isColoured: true },
    { env: { NO_COLOR: '1' }, isColoured: false },
  ])('it writes into a pipe with $env: coloured is $isColoured', async ({ env, isColoured }) => {
    const { stdout } = await runApp('log-records', input, { env: env as Record<string, string> })

    expect(stdout.includes('\u001b[')).toBe(isColoured)
  })

  test('it does what the option says, whatever the environment says', async () => {
    const { stdout } = await runApp(
      'log-records',
      { ...input, transport: eventsets({ colorize: true }) },
      { env: { NO_COLOR: '1' } },
    )

    expect(stdout).toContain('\u001b[32mINFO\u001b[39m')
  })
})

describe('several transports in one worker', () => {
  test('it works beside itself and pino-pretty, without anything waiting for ever', async () => {
    const folder = temporaryFolder()
    const [text, json, other] = ['text', 'json', 'other'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    const { status } = await runApp('log-records', {
      logger: { ...quiet, level: 'debug', customLevels: { audit: 35 } },
      transport: {
        targets: [
          {
            target: 'eventsets',
            level: 'debug',
            options: { destination: text, sets: [orders], hideObject: true },
          },
          { target: 'eventsets', options: { destination: json, output: 'json', sets: [orders] } },
          { target: 'pino-pretty', options: { destination: other, colorize: false } },
          { target: 'eventsets', level: 'error' },
        ],
      },
      records: [{ level: 'debug', message: 'detail' }, paid, { level: 'audit', message: 'who' }],
    })

    expect(readFileSync(text, 'utf8')).toBe('DEBUG: detail\nINFO: [💰] order\nAUDIT: who\n')
    expect(readFileSync(json, 'utf8')).toBe(
      '{"level":30,"state":"paid","msg":"order","order.ok":true,"markers":["💰"]}\n{"level":35,"msg":"who"}\n',
    )
    expect(readFileSync(other, 'utf8')).toContain('INFO: order')
    expect(status).toBe(0)
  })

  test('it works as the only one of several targets, without options', async () => {
    const { stdout, status } = await runApp('log-records', {
      logger: quiet,
      transport: { targets: [{ target: 'eventsets' }] },
      records: [request],
      end: 'exit',
    })

    expect(stdout.split('\n')[0]).toBe('INFO: [📥][✅] request completed')
    expect(status).toBe(0)
  })

  test('it works as the only one of several targets with a level', async () => {
    const { stdout, status } = await runApp('log-records', {
      logger: quiet,
      transport: { targets: [{ target: 'eventsets', level: 'warn' }] },
      records: [request, { level: 'warn', message: 'careful' }],
      end: 'exit',
    })

    expect(stdout).toBe('WARN: careful\n')
    expect(status).toBe(0)
  })
})
