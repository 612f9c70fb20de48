// Looks for plugins once, in one of several ways, and prints how long that took and what it found; with "noted" also
// which files it has read, which takes its time.
// Usage: node find-sets.mjs <way> <folder of the application> [noted]
import { join } from 'node:path'
import { noteFileAccess } from './file-access.mjs'

/** Each loads what it needs, and gives the function that looks. All but ours stop at the names of the plugins. */
const WAYS = {
  async eventsets() {
    const { createRegistry, discoverEventSets } = await import('eventsets')
    return async (folder) => {
      const { sets, problems } = await discoverEventSets({ cwd: folder, registry: createRegistry() })
      if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'))
      return sets.flatMap(({ source }) => (source.kind === 'package' ? [source.package] : []))
    }
  },
  async 'fast-glob'() {
    const { readFile } = await import('node:fs/promises')
    const { default: fastGlob } = await import('fast-glob')
    return async (folder) => {
      const patterns = ['node_modules/*/package.json', 'node_modules/@*/*/package.json']
      const files = await fastGlob(patterns, { cwd: folder, absolute: true })
      const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
      return texts.flatMap(pluginIn)
    }
  },
  async readdir() {
    const { readdirSync, readFileSync } = await import('node:fs')
    return async (folder) => {
      const modules = join(folder, 'node_modules')
      const names = readdirSync(modules).flatMap((name) =>
        name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => join(name, inner)) : [name],
      )
      return names.map((name) => readFileSync(join(modules, name, 'package.json'), 'utf8')).flatMap(pluginIn)
    }
  },
}

function pluginIn(text) {
  const { name, eventsets } = JSON.parse(text)
  return eventsets === undefined ? [] : [name]
}

const [way, folder, isNoted] = process.argv.slice(2)
const noted = isNoted === undefined ? undefined : noteFileAccess()
const start = process.hrtime.bigint()
const find = await WAYS[way]()
const loaded = process.hrtime.bigint()
const cpuStart = process.cpuUsage()
for (const paths of Object.values(noted ?? {})) paths.length = 0
const found = await find(folder)
const end = process.hrtime.bigint()
const { user, system } = process.cpuUsage(cpuStart)
const ms = (from, to) => Number(to - from) / 1e6
process.stdout.write(
  JSON.stringify({
    loadMs: ms(start, loaded),
    findMs: ms(loaded, end),
    cpuMs: (user + system) / 1e3,
    found: found.sort(),
    noted,
  }),
)
