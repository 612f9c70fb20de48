import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { request } from './records.ts'
import { hasTerminal, runCli, runInTerminal, temporaryFolder } from './run-cli.ts'

interface Situation {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly pipe: boolean
  readonly terminal: boolean
}

/** The first that says something decides: flag, FORCE_COLOR, NO_COLOR, TERM, terminal. */
const matrix: readonly Situation[] = [
  { pipe: false, terminal: true },
  { args: ['--color'], pipe: true, terminal: true },
  { args: ['-c'], pipe: true, terminal: true },
  { args: ['--colorize'], pipe: true, terminal: true },
  { args: ['--colorize=true'], pipe: true, terminal: true },
  { args: ['--no-color'], pipe: false, terminal: false },
  { args: ['--no-colorize'], pipe: false, terminal: false },
  { args: ['--colorize=false'], pipe: false, terminal: false },
  { args: ['--no-color', '--color'], pipe: true, terminal: true },
  { args: ['--color', '--no-color'], pipe: false, terminal: false },
  { env: { FORCE_COLOR: '1' }, pipe: true, terminal: true },
  { env: { FORCE_COLOR: '' }, pipe: true, terminal: true },
  { env: { FORCE_COLOR: '0' }, pipe: false, terminal: false },
  { env: { FORCE_COLOR: 'false' }, pipe: false, terminal: false },
  { env: { NO_COLOR: '1' }, pipe: false, terminal: false },
  { env: { NO_COLOR: '' }, pipe: false, terminal: true },
  { env: { TERM: 'dumb' }, pipe: false, terminal: false },
  { env: { CI: 'true' }, pipe: false, terminal: true },
  { env: { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, pipe: true, terminal: true },
  { args: ['--no-color'], env: { FORCE_COLOR: '1' }, pipe: false, terminal: false },
  { args: ['--color'], env: { FORCE_COLOR: '0', NO_COLOR: '1', TERM: 'dumb' }, pipe: true, terminal: true },
]

const describeSituation = ({ args = [], env = {} }: Situation) =>
  [...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'eventsets', ...args].join(' ')

describe.each(matrix.map((situation) => ({ title: describeSituation(situation), ...situation })))(
  '$title',
  ({ args = [], env = {}, pipe, terminal }) => {
    it(`is ${pipe ? 'coloured' : 'plain'} in a pipe`, () => {
      const { stdout, stderr } = runCli(args, { input: request, env })

      expect(stdout.includes('\u001b[')).toBe(pipe)
      expect(stderr).not.toContain('\u001b[')
    })

    it.runIf(hasTerminal)(`is ${terminal ? 'coloured' : 'plain'} in a terminal`, () => {
      const folder = temporaryFolder()
      writeFileSync(join(folder, 'app.log'), `${request}\n`)

      const { stdout } = runInTerminal(`eventsets ${args.join(' ')} app.log`, { cwd: folder, env })

      expect(stdout.includes('\u001b[')).toBe(terminal)
    })
  },
)

describe.each(['list', 'show http'])('%s', (command) => {
  it('is decided the same way', () => {
    const isColoured = (args: string, env: NodeJS.ProcessEnv = {}) =>
      runCli([...command.split(' '), ...args.split(' ').filter(Boolean)], { env }).stdout.includes('\u001b[')

    expect(isColoured('')).toBe(false)
    expect(isColoured('--color')).toBe(true)
    expect(isColoured('--no-color', { FORCE_COLOR: '1' })).toBe(false)
    expect(isColoured('', { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true)
  })

  it.runIf(hasTerminal)('is coloured in a terminal', () => {
    expect(runInTerminal(`eventsets ${command}`).stdout).toContain('\u001b[')
    expect(runInTerminal(`eventsets ${command}`, { env: { NO_COLOR: '1' } }).stdout).not.toContain('\u001b[')
  })
})
