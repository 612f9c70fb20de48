import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const plugins = readdirSync(`${root}/plugins`).map((name) => `plugins/${name}`)

/** Who reads a page in `node_modules` has the files of that package, and no repository around them. */
describe.each(['.', ...plugins])('the pages of the package in %s', (folder) => {
  const shipped = filesIn(folder)
  const pages = shipped.filter((file) => file.endsWith('.md'))

  it('are there', () => {
    expect(pages).toContain('README.md')
  })

  it('link only to what is shipped with them', () => {
    const missing = pages.flatMap((page) =>
      linksOf(readFileSync(`${root}/${folder}/${page}`, 'utf8'))
        .filter((link) => !isShipped(posix.join(posix.dirname(page), link), shipped))
        .map((link) => `${page}: ${link}`),
    )

    expect(missing).toEqual([])
  })
})

/** What npm would put into the package. */
function filesIn(folder: string): string[] {
  const json = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: `${root}/${folder}`,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(json) as [{ files: { path: string }[] }]
  return packed.files.map(({ path }) => path)
}

/** The paths of links and images, without those into the same page and to other places. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
}

function isShipped(path: string, shipped: readonly string[]): boolean {
  return shipped.includes(path) || shipped.some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`))
}
