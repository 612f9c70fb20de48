import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder = ''

/** A folder as a reader would have it: eventsets and what the pages install beside it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eventsets-docs-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'eventsets'))
  for (const name of ['pino', 'pino-http', 'pino-pretty', 'fastify']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(pages())('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')

  it('links only to what exists', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const local = links
      .filter((target) => !/^(?:https?:|#|mailto:)/.test(target))
      .map((target) => target.split('#')[0] as string)

    const broken = local.filter((target) => !existsSync(resolve(root, dirname(page), target)))

    expect(broken).toEqual([])
  })

  const programs = [...text.matchAll(/```js\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)].filter(
    ([, code = '']) => code.includes('import '),
  )
  it.each(programs.map(([, code = '', output], index) => ({ index, code, output })))(
    'runs its program $index and gives the output it shows',
    ({ index, code, output }) => {
      const file = join(folder, `${page.replaceAll('/', '-')}-${index}.mjs`)
      writeFileSync(file, code)

      const stdout = execFileSync(process.execPath, [file], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
      })

      if (output !== undefined) expect(mask(stdout)).toBe(mask(output))
      // What a comment behind a log call says is shown is a claim like any other.
      for (const [, claim = ''] of code.matchAll(/^ *log\..*\/\/ (\[.*)$/gm)) expect(stdout).toContain(claim)
    },
  )
})

function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join('docs', name),
  )
  return ['README.md', 'CHANGELOG.md', 'examples/README.md', ...docs]
    .filter((name) => name.endsWith('.md') && existsSync(join(root, name)))
    .map((name) => relative('.', name))
    .sort()
}

/** Times, process ids and host names differ from run to run. */
function mask(text: string): string {
  return text
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/\(\d+\)/g, '(PID)')
    .replace(/"time":\d+,"pid":\d+,"hostname":"[^"]*"/g, '"time":0,"pid":0,"hostname":"host"')
    .trim()
}
