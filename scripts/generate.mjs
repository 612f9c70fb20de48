// Writes what is derived from one source:
//   schema.json                                from the shape in src/core/event-set.ts
//   src/discovery/built-in-sets.generated.ts   from sets/*.json
//   docs/reference/built-in-sets.md            from sets/*.json
//   src/scanner/*.generated.ts                 from src/scanner/assembly
// With --check nothing is written; the exit code is 1 when a file is stale.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { compileScanner } from './compile-scanner.mjs'

const root = new URL('..', import.meta.url)
const isCheck = process.argv.includes('--check')
const builtIn = new URL('src/discovery/built-in-sets.generated.ts', root)

const sets = readdirSync(new URL('sets', root))
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(`sets/${name}`, root), 'utf8')))
  .map(({ $schema, ...set }) => set)
const stale = []
put(new URL('docs/reference/built-in-sets.md', root), describeSets())
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

function describeSets() {
  const bySet = [...sets]
    .sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0))
    .map((set) =>
      [
        `## ${set.name}`,
        `${set.description}. Priority ${set.priority ?? 0}.`,
        '### Fields',
        markdownTable(
          ['Log key', 'Other names', 'Mapping', 'Type', 'Only when', 'What it tells'],
          set.fieldMappings.map(
            ({ logKey, aliases = [], mapping, valueType = 'any', when = {}, description = '' }) => [
              code(logKey),
              aliases.map(code).join(', '),
              `[${mapping}](#${set.name}-${mapping.replaceAll('.', '').toLowerCase()})`,
              valueType,
              Object.entries(when)
                .map(([key, globs]) => `${code(key)} is ${[globs].flat().map(code).join(' or ')}`)
                .join(' and '),
              description,
            ],
          ),
        ),
        ...set.mappings.flatMap((mapping) => [
          `### ${set.name} ${mapping.name}`,
          ...(mapping.description ? [`${mapping.description}.`] : []),
          ...(mapping.transformations
            ? [
                `Before look-up: ${Object.entries(mapping.transformations)
                  .map(
                    ([value, name]) => `${value === '*' ? 'any value' : code(value)} through ${code(name)}`,
                  )
                  .join(', ')}.`,
              ]
            : []),
          markdownTable(['Marker', 'Key', 'Numbers', 'Adds'], mappingRows(mapping)),
        ]),
      ].join('\n\n'),
    )
  return `# The built-in sets

Generated from \`sets/*.json\` by \`npm run generate\`. Do not edit.

Of the names of a field, the first that a record has counts; a value is compared without regard to upper and lower case.
The key is the text form of the marker, shown by \`--ascii\`.

${bySet.join('\n\n')}
`
}

function mappingRows({ visualMarkers = {}, ranges = {}, metadataFields = {} }) {
  // In the order in which a value is looked up: its text first, then the ranges as they stand.
  const exact = Object.keys(visualMarkers).filter((key) => !Object.hasOwn(ranges, key))
  return [...new Set([...exact, ...Object.keys(ranges), ...Object.keys(metadataFields)])].map((key) => [
    visualMarkers[key] ?? '',
    code(key),
    ranges[key] ? formatRange(ranges[key]) : '',
    Object.entries(metadataFields[key] ?? {})
      .map(([field, value]) => code(`${field}: ${value}`))
      .join(', '),
  ])
}

function formatRange([low, high]) {
  if (low === null) return high === null ? 'any' : `up to ${high}`
  return high === null ? `from ${low}` : `${low} to ${high}`
}

function code(text) {
  return `\`${text}\``
}

/** A table without the columns that are empty in every row. */
function markdownTable(header, rows) {
  const kept = header.map((_, column) => rows.some((row) => row[column]))
  const line = (cells) =>
    `| ${cells
      .filter((_, column) => kept[column])
      .map((cell) => String(cell).replaceAll('|', '\\|'))
      .join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
