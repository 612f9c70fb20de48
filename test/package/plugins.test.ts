import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPackage, type Project, root } from './installed-package.ts'

/** Those that bring sets; the others are parts of programs. */
const names = readdirSync(join(root, 'plugins'))
  .filter((name) => existsSync(join(root, 'plugins', name, 'sets')))
  .sort()

let project: Project

/** What somebody does who wants markers for these domains: npm install, and nothing else. */
beforeAll(() => {
  project = installPackage()
  const npm = (...args: string[]) =>
    execFileSync('npm', args, { cwd: project.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const tarballs = names.map((name) =>
    npm('pack', '--silent', '--ignore-scripts', join(root, 'plugins', name)).trim(),
  )
  npm('install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs.map((file) => `./${file}`))
})
afterAll(() => project?.remove())

/** For each plugin a record that its set knows, and the markers of its line. */
const records: Record<string, readonly [record: string, markers: RegExp]> = {
  kubernetes: [`{ 'k8s.pod.status.phase': 'Failed' }`, /^\[[^\]]+\] seen$/],
  llm: [`{ 'gen_ai.operation.name': 'chat' }`, /^\[[^\]]+\] seen$/],
  rpc: [`{ 'rpc.grpc.status_code': 14 }`, /^\[[^\]]+\] seen$/],
  security: [`{ event: 'authn_login_fail:joe' }`, /^\[[^\]]+\] seen$/],
  'task-queue': [`{ 'messaging.system': 'kafka' }`, /^\[[^\]]+\] seen$/],
}

describe('the plugins of eventsets, installed beside it', () => {
  test.each(names)('%s marks what it knows, without any configuration', (name) => {
    const [record, expected] = records[name] ?? []
    const app = `
      import pino from 'pino'
      const log = pino({ base: null, timestamp: false, transport: { target: 'eventsets', options: { hideObject: true } } })
      log.info(${record}, 'seen')`
    const { stdout, stderr } = project.runNode('app.mjs', app)

    expect(stderr).toBe('')
    expect(stdout.replace(/^INFO: /, '').trimEnd()).toMatch(expected as RegExp)
    expect(
      project.run('npx', ['--no-install', 'eventsets', '-H', '--no-discovery'], '{"msg":"seen"}').stdout,
    ).toBe('seen\n')
  })

  test('they are all in force, with their sources, and nothing is wrong', () => {
    const { stdout, status } = project.run('npx', ['--no-install', 'eventsets', 'list', '--strict', '--json'])
    const { sets, problems } = JSON.parse(stdout)
    const packages = sets.flatMap(({ source }: { source: { package?: string } }) => source.package ?? [])

    expect(problems).toEqual([])
    expect(status).toBe(0)
    expect(packages.sort()).toEqual(names.map((name) => `@eventsets/${name}`))
  })
})
