import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry, discoverEventSets } from '../../src/discovery/index.ts'
import { load } from './load.ts'

const { sortReads } = await load('discovery.mjs')
const { makeAppFolder, PLUGIN_MARKER, pluginField, setName } = await load('app-folder.mjs')

describe('sortReads', () => {
  const inside = (...path: string[]) => join('/app', ...path)
  const manifest = (name: string) => inside('node_modules', name, 'package.json')

  it('tells dependencies, other packages and other files apart', () => {
    const files = [
      manifest('pino'),
      manifest('pino'),
      manifest('@acme/billing'),
      manifest('@acme/stranger'),
      inside('node_modules', 'pino', 'node_modules', 'inner', 'package.json'),
      inside('package.json'),
      inside('node_modules', '@acme', 'billing', 'sets', 'billing.json'),
    ]

    const sorted = sortReads({ files, folders: [inside()] }, '/app', ['pino', '@acme/billing', 'absent'])

    expect(sorted).toEqual({ perDependency: [2, 1, 0], ofOthers: 2, otherFiles: 2, folders: 1 })
  })
})

describe('makeAppFolder', () => {
  let folder = ''
  let dependencies: string[] = []
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eventsets-bench-'))
    const files = { 'eventsets.config.json': '{}' }
    dependencies = makeAppFolder(folder, { installed: 40, direct: 8, plugins: 2, files })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const read = (...path: string[]) => JSON.parse(readFileSync(join(folder, ...path, 'package.json'), 'utf8'))

  it('has as many dependencies as asked for, all of them installed under their names', () => {
    expect(dependencies).toHaveLength(8)
    expect(Object.keys(read().dependencies)).toEqual(dependencies)
    for (const name of dependencies) expect(read('node_modules', name).name).toBe(name)
  })

  it('has as many packages as asked for, and the files', () => {
    const modules = join(folder, 'node_modules')
    const packages = readdirSync(modules).flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)) : [name],
    )

    expect(packages).toHaveLength(40)
    expect(existsSync(join(folder, 'eventsets.config.json'))).toBe(true)
  })

  it('has plugins that are found, and one that is not since nobody depends on it', async () => {
    const registry = createRegistry()
    const { sets, problems } = await discoverEventSets({ cwd: folder, registry })
    const found = sets.filter(({ source }) => source.kind === 'package').map(({ set }) => set)

    expect(problems).toEqual([])
    expect(found.map(({ name }) => name)).toEqual([0, 1].map(setName))
    expect(existsSync(join(folder, 'node_modules', 'eventsets-plugin-transitive'))).toBe(true)
  })

  it('has a marker for a field of each plugin', async () => {
    const registry = createRegistry()
    await discoverEventSets({ cwd: folder, registry })
    const { mappings = [], fieldMappings = [] } = registry.getEventSet(setName(1))

    expect(fieldMappings.map(({ logKey }) => logKey)).toContain(pluginField(1))
    expect(mappings.at(-1)?.visualMarkers).toEqual({ found: PLUGIN_MARKER })
  })
})
