// Writes what is derived from one source:
//   schema.json                                from the schema in src/core/event-set.ts
//   src/discovery/built-in-sets.generated.ts   from sets/*.json
//   docs/reference/built-in-sets.md            from sets/*.json
// With --check nothing is written; the exit code is 1 when a file is stale.
// With --no-build the dist/ that is there is used: a test must not take it away from the tests beside it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toJsonSchema } from '@valibot/to-json-schema'

const root = new URL('..', import.meta.url)
const isCheck = process.argv.includes('--check')
const isBuilding = !process.argv.includes('--no-build')
const builtIn = new URL('src/discovery/built-in-sets.generated.ts', root)

// The sets first: the build that the schema comes from needs them.
const sets = readdirSync(new URL('sets', root))
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(`sets/${name}`, root), 'utf8')))
  .map(({ $schema, ...set }) => set)
const stale = []
put(new URL('docs/reference/built-in-sets.md', root), describeSets())
put(
  builtIn,
  `// Generated from sets/*.json by \`npm run generate\`. Do not edit.
// Inlined so that the package finds its sets wherever a bundler puts it: nothing is looked up at run time.
import type { EventSet } from '../core/event-set.ts'

export const builtInSetData: readonly EventSet[] = ${JSON.stringify(sets)}
`,
)

if (isBuilding) {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: fileURLToPath(root), stdio: 'inherit' })
}
const { eventSetSchema } = await import(new URL('dist/core/event-set.js', root))
const { tableValues } = await import(new URL('dist/core/shape.js', root))
const { transformationNames } = await import(new URL('dist/core/transformation.js', root))

const overrideSchema = ({ valibotSchema, jsonSchema }) => {
  const value = tableValues.get(valibotSchema)
  if (value) return { type: 'object', additionalProperties: schemaOf(value) }
  if (valibotSchema.type === 'custom') return { type: 'string', enum: transformationNames }
  return jsonSchema
}
function schemaOf(schema) {
  const { $schema, ...rest } = toJsonSchema(schema, { overrideSchema, errorMode: 'ignore' })
  return rest
}
put(
  new URL('schema.json', root),
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', $id: 'https://unpkg.com/eventsets/schema.json', ...schemaOf(eventSetSchema) }, null, 2)}\n`,
)

if (stale.length > 0) {
  console.error(`Stale: ${stale.join(', ')}. Run "npm run generate".`)
  process.exitCode = 1
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
