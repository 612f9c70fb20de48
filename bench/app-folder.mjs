// A folder as an application has it: a package.json, and packages in node_modules, some of them plugins.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectPath } from './measure.mjs'

/** What a plugin's set shows for a record with `pluginField(index)`. */
export const PLUGIN_MARKER = '🔌'

/** A plugin that the application does not depend on: a dependency of a dependency has brought it. */
export const TRANSITIVE_PLUGIN = 'transitive'

/**
 * Makes an application that depends on `direct` of its `installed` packages, and gives the names of those. `plugins` of
 * them are plugins with one event set each. One of the others is one, too, which must not count.
 *
 * The package.json files are those of the packages that this repository has installed, export maps and all, under other
 * names, again and again until there are enough. `files` are further ones of the application, by their names.
 */
export function makeAppFolder(folder, { installed, direct, plugins, files = {} }) {
  const models = readManifests(projectPath('node_modules'))
  const ordinary = Array.from({ length: installed - plugins - 1 }, (_, index) => {
    const model = models[index % models.length]
    return { ...model, name: `${model.name}-${index}` }
  })
  const pluginNames = Array.from({ length: plugins }, (_, index) => pluginName(index))
  const wanted = direct - plugins
  const every = Math.floor(ordinary.length / wanted)
  const dependencies = [
    ...ordinary.filter((_, index) => index % every === 0 && index < every * wanted).map(({ name }) => name),
    ...pluginNames,
  ]

  for (const manifest of ordinary) writePackage(folder, manifest)
  for (const name of [...pluginNames, pluginName(TRANSITIVE_PLUGIN)]) writePlugin(folder, name)
  for (const [name, text] of Object.entries(files)) write(join(folder, name), text)
  write(
    join(folder, 'package.json'),
    asJson({
      name: 'bench-app',
      private: true,
      dependencies: Object.fromEntries(dependencies.map((name) => [name, '*'])),
    }),
  )
  return dependencies
}

/** The name of a plugin's set. */
export const setName = (index) => `plugin_${index}`

/** The log key for which a plugin's set has a marker if its value is "found". */
export const pluginField = (index) => `${setName(index)}.state`

const pluginName = (index) => `eventsets-plugin-${index}`

function readManifests(folder) {
  return listPackages(folder).flatMap((name) => {
    try {
      const { eventsets: _, ...manifest } = JSON.parse(
        readFileSync(join(folder, name, 'package.json'), 'utf8'),
      )
      return [manifest]
    } catch {
      // A folder that is no package.
      return []
    }
  })
}

/** In one order everywhere, so that always the same packages are taken. */
function listPackages(folder) {
  return readdirSync(folder)
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(folder, name)).map((inner) => `${name}/${inner}`) : [name],
    )
    .filter((name) => !name.startsWith('.'))
    .sort()
}

function writePlugin(folder, name) {
  writePackage(folder, {
    name,
    version: '1.0.0',
    license: 'MIT',
    keywords: ['eventsets-plugin'],
    files: ['sets'],
    eventsets: { apiVersion: 1, sets: ['./sets/*.json'] },
    peerDependencies: { eventsets: '>=0.1.0' },
  })
  const set = pluginSet(setName(name.slice(pluginName('').length)))
  write(join(folder, 'node_modules', name, 'sets', 'set.json'), asJson(set))
}

/** A set of the usual size: a built-in one, on log keys of its own. */
function pluginSet(name) {
  const model = JSON.parse(readFileSync(projectPath('sets/http.json'), 'utf8'))
  const own = (logKey) => `${name}.${logKey}`
  return {
    ...model,
    name,
    mappings: [...model.mappings, { name: 'state', visualMarkers: { found: PLUGIN_MARKER } }],
    fieldMappings: [
      ...model.fieldMappings.map(({ when: _, ...field }, index) => ({
        ...field,
        logKey: own(`${index}.${field.logKey}`),
        aliases: field.aliases?.map((alias) => own(`${index}.${alias}`)) ?? [],
      })),
      { logKey: own('state'), mapping: 'state' },
    ],
  }
}

function writePackage(folder, manifest) {
  write(join(folder, 'node_modules', manifest.name, 'package.json'), asJson(manifest))
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

const asJson = (value) => `${JSON.stringify(value, null, 2)}\n`
