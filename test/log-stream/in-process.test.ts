import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasRedisServer } from '../../plugins/redis-streams/test/redis-server.ts'
import { type Installed, openApplication } from './application.ts'
import { openServer } from './open-server.ts'
import { expectInOrder, numbersOf, storedLines } from './stored-lines.ts'

/** Logs in its own thread, and ends as it is told. */
const program = `
  import pino from 'pino'
  import { eventsetsStream } from 'eventsets/pino'

  const { options, count, end } = JSON.parse(process.argv[2])
  const stream = eventsetsStream(options)
  const logger = pino({ base: null, timestamp: false }, stream)
  for (let n = 0; n < count; n++) logger.info({ n }, '')
  if (end === 'end') stream.end()
  if (end === 'flush') logger.flush(() => process.exit())
  if (end === 'exit') setTimeout(() => process.exit(), 500)
`

interface Ended {
  readonly code: number
  readonly stderr: string
  readonly folder: string
}

async function run(input: object, installed?: Installed): Promise<Ended> {
  const { folder } = openApplication(installed)
  const file = join(folder, 'in-process.mjs')
  writeFileSync(file, program)
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [file, JSON.stringify(input)],
      { cwd: folder },
      (_, __, stderr) => resolve({ code: child.exitCode ?? -1, stderr, folder }),
    )
  })
}

describe.skipIf(!hasRedisServer)('a stream in the process of the logger whose destination is a URL', () => {
  it.each(['end', 'flush'])('writes every line, in order, when the end is %s', async (end) => {
    const server = await openServer()
    const { code, stderr } = await run({ options: { destination: `${server.url}/logs` }, count: 20_000, end })

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectInOrder(numbersOf(await storedLines(server)), 0, 20_000)
  })

  it('keeps in its file what a process has in memory that exits while the server is away', async () => {
    const server = await openServer()
    await server.kill()
    const options = { destination: `${server.url}/logs`, spillPath: 'spill' }
    const { code, stderr, folder } = await run({ options, count: 1000, end: 'exit' })

    expect(code).toBe(0)
    expect(stderr).toMatch(/is kept in .*spill, and goes there at the next start/)
    expect(existsSync(join(folder, 'spill'))).toBe(true)
  })

  it('tells how many lines are lost without a file', async () => {
    const options = { destination: 'redis://127.0.0.1:1/logs' }
    const { stderr } = await run({ options, count: 1000, end: 'exit' })

    expect(stderr).toContain('1000 lines could not be written to redis://127.0.0.1:1/logs and are lost')
  })

  it('fails with an error when its package is missing', async () => {
    const options = { destination: 'redis://host/logs' }
    const { code, stderr } = await run({ options, count: 1, end: 'exit' }, { driver: 'none' })

    expect(code).toBe(1)
    expect(stderr).toContain('the package "@eventsets/redis-streams" is not installed. npm install')
  })
})
