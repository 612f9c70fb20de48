import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadedPackages } from '../fixtures/loaded-packages.ts'

// What pino's worker does with the transport, in a thread whose end Node waits for to tell what it has loaded.
const program = `
  import eventsets from 'eventsets'
  const destination = await eventsets({ $context: {}, ...JSON.parse(process.argv[1]) })
  destination.write('{"level":30,"msg":"request completed","res":{"statusCode":200}}\\n')
  destination.end()
`

test.each([
  { options: {} },
  { options: { output: 'json', minimumLevel: 'info' } },
  { options: { sets: [{ name: 'own', mappings: [], fieldMappings: [] }] } },
])('the transport takes no package: $options', async ({ options }) => {
  let stdout = ''
  const packages = await loadedPackages((env) => {
    stdout = execFileSync(process.execPath, ['--input-type=module', '-e', program, JSON.stringify(options)], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...env },
      encoding: 'utf8',
    })
  })

  expect(stdout).toContain('✅')
  expect(packages).toEqual([])
})
