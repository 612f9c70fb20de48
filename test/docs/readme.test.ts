import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anchorsOf, type Block, blocksOf, listPages, stepsOf } from './page.ts'
import { asShown, mask } from './transcript.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder = ''

/** A folder as a reader would have it: eventsets and what the pages install beside it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eventsets-docs-'))
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  symlinkSync(join(root, 'dist/cli/main.js'), join(folder, 'node_modules', '.bin', 'eventsets'))
  for (const name of [
    'pino',
    'pino-http',
    'pino-pretty',
    'fastify',
    '@opentelemetry',
    'zod',
    'libsql',
    '@electric-sql',
  ]) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(listPages(root))('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = blocksOf(text)
  /** A folder of the page's own, in which its programs find the files that it has shown so far. */
  const enter = (blocksSoFar: readonly Block[]): string => {
    const cwd = join(folder, page.replaceAll('/', '-'))
    mkdirSync(cwd, { recursive: true })
    for (const { file, code } of blocksSoFar) if (file !== undefined) writeFileSync(join(cwd, file), code)
    return cwd
  }

  it('links only to what exists', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const local = links.filter((target) => !/^(?:https?:|mailto:)/.test(target))

    const broken = local.filter((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(file)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)
    })

    expect(broken).toEqual([])
  })

  it.each(stepsOf(blocks))('gives the output it shows for $title', ({ step, output, index }) => {
    const cwd = enter(blocks.slice(0, index + 1))

    if (step.kind === 'command') {
      const { stdout } = spawnSync('bash', ['-c', `{ ${step.command}\n} 2>&1`], { ...surroundings, cwd })

      expect(asShown(stdout, output ?? '')).toBe(mask(output ?? ''))
    } else {
      const file = join(cwd, step.file)
      writeFileSync(file, step.code)
      const { stdout, stderr, status } = spawnSync(process.execPath, [file], { ...surroundings, cwd })

      // A program that shows how a failure looks ends as one.
      expect({ status, stderr }).toMatchObject({ status: step.code.includes('process.exit(1)') ? 1 : 0 })
      if (output !== undefined) expect(asShown(stdout, output)).toBe(mask(output))
      // What a comment behind a log call says is shown is a claim like any other.
      for (const [, claim = ''] of step.code.matchAll(/^ *log\..*\/\/ (\[.*)$/gm))
        expect(stdout).toContain(claim)
    }
  })
})

const surroundings = {
  encoding: 'utf8' as const,
  env: {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: '0',
    // npm has news now and then, and whoever runs the tests has settings of their own.
    npm_config_update_notifier: 'false',
    npm_config_loglevel: 'error',
    npm_config_userconfig: join(tmpdir(), 'no-npmrc'),
  },
}
