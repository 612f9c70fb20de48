import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksOf } from './page.ts'
import { openRegistry, type Registry } from './registry.ts'
import { asShown, mask } from './transcript.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/tutorial/your-first-plugin.md'), 'utf8')

/** What a reader does, one after the other: each step begins where the one before has ended. */
type Step =
  | { readonly kind: 'command'; readonly title: string; readonly output: string | undefined }
  | { readonly kind: 'file'; readonly title: string; readonly file: string; readonly text: string }
  | { readonly kind: 'look'; readonly title: string; readonly text: string }
  | { readonly kind: 'change'; readonly title: string; readonly from: string; readonly to: string }

const steps = blocksOf(page).flatMap(({ language, file, code }): Step[] => {
  switch (language) {
    case 'shellsession':
      return code
        .split(/^\$ /m)
        .slice(1)
        .map((part) => {
          const [title = '', ...lines] = part.split('\n')
          return { kind: 'command', title, output: lines.join('\n') }
        })
    case 'sh':
      return code
        .trim()
        .split('\n')
        .map((title) => ({ kind: 'command', title, output: undefined }))
    case 'diff': {
      const [from = '', to = ''] = ['-', '+'].map((sign) =>
        code
          .split('\n')
          .filter((line) => line.startsWith(sign))
          .map((line) => line.slice(1))
          .join('\n'),
      )
      return [{ kind: 'change', title: `the change to ${to.trim()}`, from, to }]
    }
    case 'js':
      return file === undefined ? [] : [{ kind: 'file', title: `the file ${file}`, file, text: code }]
    case 'json':
      return [{ kind: 'look', title: 'the file that is shown', text: code }]
    default:
      throw new Error(`nobody knows what to do with a block of ${language}`)
  }
})

let folder = ''
let cwd = ''
let registry: Registry

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-tutorial-')))
  registry = await openRegistry(root, folder)
  cwd = folder
})
afterAll(async () => {
  await registry?.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('docs/tutorial/your-first-plugin.md', () => {
  it.each(steps)('goes through $title', async (step) => {
    switch (step.kind) {
      case 'command': {
        const { output, status } = await run(step.title)

        if (step.output !== undefined) expect(asShown(output, step.output)).toBe(mask(step.output))
        // A command whose failure is shown has to fail.
        expect(status === 0, output).toBe(!step.output?.includes('AssertionError'))
        break
      }
      case 'file':
        writeFileSync(join(cwd, step.file), step.text)
        break
      case 'look':
        expect(filesIn(cwd).map((file) => readFileSync(file, 'utf8'))).toContain(step.text)
        break
      case 'change': {
        const changed = filesIn(cwd).filter((file) => readFileSync(file, 'utf8').includes(step.from))
        for (const file of changed)
          writeFileSync(file, readFileSync(file, 'utf8').replace(step.from, step.to))

        expect(changed).toHaveLength(1)
      }
    }
  })

  it('has brought the reader to an application with a plugin', () => {
    expect(steps.map(({ title }) => title)).toContain('node app.mjs')
    expect(cwd).toBe(join(folder, 'shop'))
  })
})

function filesIn(from: string): string[] {
  return readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes('node_modules') && !file.endsWith('.tgz'))
}

/** Runs a line of shell where the last one has ended. Not spawnSync: the registry has to answer meanwhile. */
async function run(line: string): Promise<{ output: string; status: number | null }> {
  const end = join(folder, '.cwd')
  const script = `npx() { npm_config_cache=${folder}/.npx command npx "$@"; }
{ ${line}
} 2>&1
status=$?; pwd > ${end}; exit $status`
  const child = spawn('bash', ['-c', script], {
    cwd,
    env: surroundings(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  cwd = readFileSync(end, 'utf8').trim()
  return { output, status }
}

function surroundings(): NodeJS.ProcessEnv {
  // What npm tells its scripts (this may be one) is not for the npm of the reader.
  const env = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^INIT_CWD$|^NODE_|^VITEST|COLOR/i.test(name),
  )
  return {
    ...Object.fromEntries(env),
    NO_COLOR: '1',
    FORCE_COLOR: '0',
    NO_PROXY: '127.0.0.1',
    no_proxy: '127.0.0.1',
    npm_config_registry: registry.url,
    npm_config_prefer_offline: 'true',
    // What npx asks before it fetches a package, a reader has answered.
    npm_config_yes: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_loglevel: 'error',
  }
}
