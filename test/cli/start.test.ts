import { describe, expect, test } from 'vitest'
import { loadedPackages } from '../fixtures/loaded-packages.ts'
import { type Finished, runCli } from './run-cli.ts'

const input = '{"level":30,"msg":"request completed","res":{"statusCode":200}}\n'

/** What the command loads, and what it has printed. */
async function loadsOf(args: readonly string[]) {
  let finished: Finished | undefined
  const packages = await loadedPackages((env) => {
    finished = runCli(args, { input, env })
  })
  return { packages, stdout: finished?.stdout }
}

describe('what the command loads', () => {
  test('the version takes no package', async () => {
    const { packages, stdout } = await loadsOf(['--version'])

    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(packages).toEqual([])
  })

  test.each([{ args: [] }, { args: ['--json'] }, { args: ['--minimum-level', 'info', '--single-line'] }])(
    'showing a log takes no package: $args',
    async ({ args }) => {
      const { packages, stdout } = await loadsOf(args)

      expect(stdout).toContain('✅')
      expect(packages).toEqual([])
    },
  )

  test('listing the sets takes what it needs', async () => {
    const { packages } = await loadsOf(['list'])

    expect(packages).toEqual(expect.arrayContaining(['commander', 'picocolors', 'string-width']))
  })
})
