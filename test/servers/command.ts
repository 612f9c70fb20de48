import { spawnSync } from 'node:child_process'

/**
 * Whether the command of a server is there. Where it is not, tests that need it are skipped, and this says so; with
 * CI=true they fail: a continuous integration that skipped them would promise what nobody has tried.
 *
 * @param subject What cannot be tested without it.
 */
export function hasCommand(command: string, subject: string): boolean {
  const { error } = spawnSync(command, ['--version'])
  if (!error) return true
  const message = `The command "${command}" is not installed: ${subject} cannot be tested.`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`\n${message}\n`)
  return false
}
