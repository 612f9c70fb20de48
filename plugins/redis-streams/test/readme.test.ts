import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { fromClone } from '../../../test/bus-backends/process.ts'
import { openServer } from './harness.ts'
import { hasRedisServer } from './redis-server.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

it.runIf(hasRedisServer)('what the README shows runs, and prints what it says', async () => {
  const server = await openServer()
  const readme = readFileSync(`${folder}/README.md`, 'utf8')
  const programs = [...readme.matchAll(/^```js\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm)]
  expect(programs).toHaveLength(4)

  for (const [, code = '', output] of programs) {
    const program = code.replaceAll('redis://localhost:6379', server.url)
    const args = ['--import', fromClone, '--input-type=module', '--eval', program]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: folder })

    expect(stderr).toBe('')
    if (output !== undefined) expect(stdout).toBe(output)
  }
})
