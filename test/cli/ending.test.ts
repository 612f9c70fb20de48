import { describe, expect, it } from 'vitest'
import {
  type App,
  createApp,
  eventSet,
  installEventsets,
  logging,
  runModule,
} from '../discovery/fixture-app.ts'
import { runCli } from './run-cli.ts'

const line = '{"level":30,"mine":{"status":"done"},"msg":"paid"}\n'
const set = JSON.stringify(eventSet('mine'))

/** An application whose configuration names a module with this text. */
function naming(text: string): App {
  return createApp({
    'package.json': { eventsets: { hideObject: true, plugins: ['./own.mjs'] } },
    'own.mjs': text,
  })
}

const BUSY = `
  import { createServer } from 'node:http'
  createServer().listen(0)
  setInterval(() => {}, 1000)
  export default ${set}`

describe('with a module that has opened a server and a timer, the command ends when its work is done', () => {
  it.each([
    { args: [], stdout: 'INFO: [💰] paid\n', status: 0 },
    { args: ['gone.log'], stdout: '', status: 2 },
    { args: ['list', '--plain'], stdout: expect.stringContaining('mine\t0\t1\t1'), status: 0 },
    { args: ['list', '--json'], stdout: expect.stringMatching(/\n}\n$/), status: 0 },
    { args: ['show', 'mine'], stdout: expect.stringContaining('mine.status'), status: 0 },
    { args: ['show', 'gone'], stdout: '', status: 2 },
    { args: ['lint', '--fail-on', 'info'], stdout: expect.stringContaining('own.mjs'), status: 1 },
  ])('$args', ({ args, stdout, status }) => {
    const { folder } = naming(BUSY)

    expect(runCli(args, { cwd: folder, input: line })).toMatchObject({ stdout, status })
  })

  it('and what the module itself has written is whole', () => {
    const { folder } = naming(`${BUSY}; process.stdout.write('x'.repeat(1_000_000) + '\\n')`)
    const { stdout } = runCli([], { cwd: folder, input: line })

    expect(stdout.replaceAll(/[^x]/g, '')).toHaveLength(1_000_000)
    expect(stdout).toContain('INFO: [💰] paid\n')
  })
})

describe('a module that ends the process', () => {
  it.each([
    [
      'when it is loaded a second time',
      `import { isMainThread } from 'node:worker_threads'
       if (isMainThread) process.exit(0)
       export default ${set}`,
    ],
    [
      'when its sets are asked for a second time',
      `import { isMainThread } from 'node:worker_threads'
       export default { get sets() { if (isMainThread) process.exit(); return ${set} } }`,
    ],
    [
      'when a value is transformed',
      `export default { ...${set}, mappings: [{ name: 'status', transformations: { '*': () => process.exit(0) } }] }`,
    ],
  ])('%s is named, and the exit code is not that of success', (_, text) => {
    const app = naming(text)
    const { stderr, status } = runCli([], { cwd: app.folder, input: line })

    expect(stderr).toBe(`eventsets: ended by code that a configuration names: ${app.path('own.mjs')}\n`)
    expect(status).toBe(2)
  })

  it('in the worker of a logger is named, too', () => {
    const app = naming(
      `import { workerData } from 'node:worker_threads'
       export default { get sets() { if (typeof workerData !== 'string') process.exit(); return ${set} } }`,
    )
    installEventsets(app)
    const { stderr } = runModule(app, logging([{ msg: 'paid' }]))

    expect(stderr).toContain(`eventsets: ended by code that a configuration names: ${app.path('own.mjs')}\n`)
  })
})
