// Writes what is derived from one source:
//   schema.json                                from the shape in src/core/event-set.ts
//   src/discovery/built-in-sets.generated.ts   from sets/*.json
//   docs/reference/built-in-sets.md            from sets/*.json
//   plugins/*/README.md                        from plugins/*/sets/*.json, between two comments
//   docs/reference/event-set.md                from the shape in src/core/event-set.ts, between two comments each
//   docs/reference/package-json.md             from the shape in src/discovery/manifest.ts, between two comments
//   docs/reference/lint.md, lint/*.md          from the rules in src/lint/rules
//   src/scanner/*.generated.ts                 from src/scanner/assembly
// With --check nothing is written; the exit code is 1 when a file is stale.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { compileScanner } from './compile-scanner.mjs'
import { describeCodes, describeFindings } from './describe-lint.mjs'
import { code, describeSet, markdownTable } from './describe-sets.mjs'
import { fillPart } from './fill-part.mjs'

const root = new URL('..', import.meta.url)
const isCheck = process.argv.includes('--check')
const builtIn = new URL('src/discovery/built-in-sets.generated.ts', root)

const sets = readSets('sets')
const stale = []
put(new URL('docs/reference/built-in-sets.md', root), describeBuiltInSets())
for (const plugin of listPlugins()) {
  fill(`plugins/${plugin}/README.md`, { set: describePlugin(readSets(`plugins/${plugin}/sets`)) })
}
// JSON in a text, not an object literal: JavaScript engines read it in a fraction of the time. In ASCII, since one emoji
// makes them hold the whole file in two bytes a character.
const ascii = JSON.stringify(sets).replace(
  /[^ -~]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
)
put(
  builtIn,
  `// Generated from sets/*.json by \`npm run generate\`. Do not edit.
// Inlined so that the package finds its sets wherever a bundler puts it: nothing is looked up at run time.
/** JSON. */
export const builtInSetData: string =
  '${ascii.replace(/[\\']/g, '\\$&')}'
`,
)

for (const [url, text] of await compileScanner()) put(url, text)

const { eventSetShape } = await importSource('src/core/event-set.ts')
const { description, ...schema } = eventSetShape.jsonSchema
const published = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'https://unpkg.com/eventsets/schema.json',
  ...schema,
  title: 'eventsets event set',
  description,
}
put(new URL('schema.json', root), `${JSON.stringify(published, null, 2)}\n`)

const { mappings, fieldMappings } = eventSetShape.entries
const shapes = new Map([
  [mappings.jsonSchema.items, 'EventMapping'],
  [fieldMappings.jsonSchema.items, 'FieldMapping'],
])
fill('docs/reference/event-set.md', {
  EventSet: describeShape(eventSetShape.jsonSchema, shapes),
  ...Object.fromEntries([...shapes].map(([shape, name]) => [name, describeShape(shape, shapes)])),
})
const { manifestShape } = await importSource('src/discovery/manifest.ts')
fill('docs/reference/package-json.md', { manifest: describeShape(manifestShape.jsonSchema, shapes) })

const { ruleGroups } = await importSource('src/lint/rules.ts')
fill('docs/reference/lint.md', { codes: describeCodes(ruleGroups) })
for (const [path, text] of describeFindings(ruleGroups)) put(new URL(path, root), text)

if (stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run "npm run generate".`)
  process.exitCode = 1
}

/** A module of src/ as it stands, without a build of all of it. */
async function importSource(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(path, root))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  })
  return await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  )
}

function put(url, text) {
  if (existsSync(url) && readFileSync(url, 'utf8') === text) return
  if (isCheck) stale.push(fileURLToPath(url).slice(fileURLToPath(root).length))
  else writeFileSync(url, text)
}

/** Writes the parts of a page that stand between `<!-- generated: name -->` and `<!-- /generated -->`. */
function fill(path, parts) {
  const url = new URL(path, root)
  let text = existsSync(url) ? readFileSync(url, 'utf8') : ''
  for (const [name, part] of Object.entries(parts)) {
    const filled = fillPart(text, name, part)
    if (filled === undefined) {
      // The other pages are written all the same.
      console.error(
        `${path} has no lines <!-- generated: ${name} --> and <!-- /generated --> to write between.`,
      )
      process.exitCode = 1
    } else text = filled
  }
  if (text !== '') put(url, text)
}

/** The sets of a folder, by the name of their file. */
function readSets(folder) {
  return readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(`${folder}/${name}`, root), 'utf8')))
    .map(({ $schema, ...set }) => set)
}

/** The folders in plugins/ that bring sets. */
function listPlugins() {
  return readdirSync(new URL('plugins', root))
    .filter((name) => existsSync(new URL(`plugins/${name}/sets`, root)))
    .sort()
}

function byPriority(sets) {
  return [...sets].sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0))
}

function describeBuiltInSets() {
  const described = byPriority(sets).map(
    (set) => `## ${set.name}\n\n${describeSet(set, { level: 3, prefix: `${set.name} ` })}`,
  )
  return `# The built-in sets

Generated from \`sets/*.json\` by \`npm run generate\`. Do not edit.

Of the names of a field, the first that a record has counts; a value is compared without regard to upper and lower case.
The key is the text form of the marker, shown by \`--ascii\`.

${described.join('\n\n')}
`
}

/** Below the heading "What it marks". One set needs no heading of its own. */
function describePlugin(sets) {
  if (sets.length === 1) return describeSet(sets[0], { level: 3 })
  return byPriority(sets)
    .map((set) => `### ${set.name}\n\n${describeSet(set, { level: 4, prefix: `${set.name} ` })}`)
    .join('\n\n')
}

/** The entries of an object as a table, from its JSON Schema. `names` are those of the objects in it. */
function describeShape({ properties, required }, names) {
  return markdownTable(
    ['Field', 'Type', 'Required', 'Meaning'],
    Object.entries(properties).map(([name, schema]) => [
      code(name),
      describeType(schema, names),
      required.includes(name) ? 'yes' : '',
      (schema.description ?? '').replaceAll('->', '→'),
    ]),
  )
}

/** `s` is the ending of a plural. */
function describeType(schema, names, s = '') {
  const { type, anyOf, items, additionalProperties } = schema
  const name = names.get(schema)
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`
  if (anyOf) return anyOf.map((one) => describeType(one, names, s)).join(' or ')
  // Of a longer list the page has a table.
  if (schema.enum) return schema.enum.length > 4 ? `name${s}` : schema.enum.map(code).join(' or ')
  if (type === 'array')
    return Array.isArray(items) ? `pair${s}` : `list${s} of ${describeType(items, names, 's')}`
  if (type === 'object') return `table${s} of ${describeType(additionalProperties, names, 's')}`
  return `${type === 'integer' ? 'whole number' : type}${s}`
}
