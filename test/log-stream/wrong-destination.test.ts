import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../bus-backends/until.ts'
import { type Installed, openApplication } from './application.ts'

/** What the transport says about its destination. */
async function errorOf(options: object, installed?: Installed): Promise<string> {
  const logger = await openApplication(installed).run({ target: 'eventsets', options })
  await until(() => logger.errors.length > 0)
  return logger.errors.join('\n')
}

const install = 'npm install @eventsets/redis-streams ioredis'

describe('a destination that is a URL', () => {
  it.each([
    {
      of: 'a scheme that nobody knows',
      destination: 'kafka://user:geheim@host/logs',
      installed: {},
      message:
        'eventsets cannot use kafka://host/logs: no package is known for kafka://. Known are redis:// and rediss://; a file is given as a path.',
    },
    {
      of: 'a package that is not installed',
      destination: 'redis://user:geheim@host/logs',
      installed: { driver: 'none' as const },
      message: `eventsets cannot use redis://host/logs: the package "@eventsets/redis-streams" is not installed. ${install}`,
    },
    {
      of: 'a client that is not installed',
      destination: 'rediss://:geheim@host/logs',
      installed: { client: false },
      message: `eventsets cannot use rediss://host/logs: the package "ioredis" is not installed. ${install}`,
    },
    {
      of: 'a package that is too old',
      destination: 'redis://host/logs',
      installed: { driver: 'old' as const },
      message:
        'eventsets cannot use redis://host/logs: the package "@eventsets/redis-streams" is too old for it. npm install @eventsets/redis-streams@latest ioredis',
    },
  ])('is an error that says what to do, because of $of', async ({ destination, installed, message }) => {
    expect(await errorOf({ destination }, installed)).toBe(message)
  })

  it.each([
    ['redis://host', 'it has no name of a stream at its end'],
    ['redis://host/2', 'a number alone is taken for a database'],
    ['redis://host/two/logs', 'what stands before the name is no number of a database'],
    ['redis://host/0/a/b', 'its path has more than two parts'],
    ['redis:///logs', 'it has no host'],
    ['redis://host/logs?db=3', 'nothing can stand behind a question mark'],
    ['redis://host/a%7Bb', 'braces only around one hash tag'],
    // Passwords whose signs are not escaped.
    ['redis://user:12geheim#34@host/logs', 'its URL: that cannot be read'],
    ['redis://user:12#geheim@host/logs', 'nothing can stand behind'],
    ['redis://user:12/geheim@host/logs', 'in a password, a slash as %2F'],
    ['redis://user:12/geheim@host', 'in a password, a slash as %2F'],
    ['redis://user:12?geheim@host/logs', 'nothing can stand behind'],
    ['redis://user:%geheim@host/logs', 'a percent sign is written as %25'],
    // Nearly a URL: it is not taken for the path of a file.
    [' redis://user:geheim@host', 'it has no name of a stream at its end'],
    ['redis:/user:geheim@host/logs', ''],
    ['redis:user:geheim@host/logs', ''],
    ['redis//user:geheim@host/logs', ''],
    ['redis;//user:geheim@host/logs', ''],
  ])('is an error where no stream is found by %s, without its password', async (destination, reason) => {
    const message = await errorOf({ destination })

    expect(message).toContain(`No stream of log lines is found by `)
    expect(message).toContain(reason)
    expect(message).not.toMatch(/geheim|12/)
  })

  it('names its wrong options with all others', async () => {
    const options = { onFull: 'wait', maxBufferBytes: 1, closeTimeoutMs: 10_000, maxLen: 0, ouput: 'json' }

    expect(await errorOf({ destination: 'redis://host/logs', ...options })).toMatch(/\(5 issues\)/)
  })

  it('wants a file to spill to', async () => {
    expect(await errorOf({ destination: 'redis://host/logs', onFull: 'spill' })).toContain(
      'spillPath: is required where "onFull" is "spill"',
    )
  })

  it('does not write over a file of somebody else with what it spills, and takes the next number', async () => {
    const application = openApplication()
    const spillPath = join(application.folder, 'notes.txt')
    writeFileSync(spillPath, 'precious')
    const logger = await application.start({ destination: 'redis://127.0.0.1:1/logs', spillPath })
    await logger.tell({ task: 'log', from: 0, count: 1 })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expect(logger.errors).toEqual([])
    expect(logger.stderr).toMatch(
      /^eventsets: ".*notes\.txt" is left as it is: it holds something else\. .* go to ".*notes\.txt\.1"\.$/m,
    )
    expect(logger.stderr).toMatch(/ is kept in .*notes\.txt\.1, and goes there at the next start\./)
    expect(readFileSync(spillPath, 'utf8')).toBe('precious')
  })

  it('logs without a file to spill to where none can be made, and says so', async () => {
    const application = openApplication()
    const spillPath = join(application.folder, 'missing', 'spill')
    const logger = await application.start({
      destination: 'redis://127.0.0.1:1/logs',
      spillPath,
      closeTimeoutMs: 0,
    })
    await logger.tell({ task: 'log', from: 0, count: 1 })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expect(logger.errors).toEqual([])
    expect(logger.stderr).toMatch(
      /^eventsets cannot keep lines in ".*spill": ENOENT.* lines that find no room in memory are dropped\.$/m,
    )
    expect(logger.stderr).toContain('1 line could not be written to redis://127.0.0.1:1/logs and is lost')
  })
})

describe('a destination of the configuration that is a URL', () => {
  it('does not keep the application from starting when its package is missing', async () => {
    const application = openApplication({ driver: 'none' })
    const configuration = { destination: 'redis://:geheim@host/logs' }
    writeFileSync(join(application.folder, 'eventsets.config.json'), JSON.stringify(configuration))
    const logger = await application.start({})
    await logger.tell({ task: 'log', from: 0, count: 1, text: 'hello' })
    await logger.tell({ task: 'exit' })

    expect(await logger.ended).toBe(0)
    expect(logger.stdout).toBe('{"level":30,"n":0,"msg":"hello"}\n')
    expect(logger.stderr).toContain(
      'the package "@eventsets/redis-streams" is not installed. npm install @eventsets/redis-streams ioredis Lines go to standard output.',
    )
    expect(logger.stderr).not.toContain('geheim')
  })

  it.skipIf(process.platform === 'win32')('does not run a package that everybody could change', async () => {
    const application = openApplication()
    chmodSync(join(application.folder, 'node_modules', '@eventsets', 'redis-streams', 'dist'), 0o777)
    const logger = await application.start({ destination: 'redis://127.0.0.1:1/logs' })
    await until(() => logger.errors.length > 0)

    expect(logger.errors[0]).toMatch(/is not run: ".*dist" can be changed by everybody/)
  })

  it('finds the package among the dependencies of the application, wherever the process was started', async () => {
    const application = openApplication()
    mkdirSync(join(application.folder, 'deeper'))
    const logger = await application.run(
      { target: 'eventsets', options: { destination: 'redis://127.0.0.1:1/logs', closeTimeoutMs: 0 } },
      'deeper',
    )
    await logger.tell({ task: 'log', from: 0, count: 1 })
    await logger.tell({ task: 'exit' })
    await logger.ended

    expect(logger.stderr).toContain('1 line could not be written to redis://127.0.0.1:1/logs and is lost')
  })
})
