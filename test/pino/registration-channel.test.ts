import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runApp, temporaryFolder } from '../fixtures/apps/run-app.ts'

test('it carries what the main thread registers, replaces and removes to every running transport', async () => {
  const folder = temporaryFolder()
  const { stdout, stderr, status } = await runApp('registrations', {
    files: [join(folder, 'one.log'), join(folder, 'two.log')],
  })

  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual([
    'registered before',
    'registered',
    'overridden',
    'removed',
    'built-in removed',
    'functions stay',
    'own sets stay',
  ])
  expect(status).toBe(0)
})

test('it does not keep a process alive that has registered a set', async () => {
  const { stdout, status } = await runApp('registry-only')

  expect(stdout).toBe('registered\n')
  expect(status).toBe(0)
})

test('it has what was registered before the logger in force at the first line', async () => {
  const { stdout, stderr } = await runApp('registered-first')

  expect(stderr).toBe('')
  expect(stdout).toBe('INFO: [💰] payment_processed\nINFO: request completed\n')
})
