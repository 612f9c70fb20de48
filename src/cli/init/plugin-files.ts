import { API_VERSION, PLUGIN_KEYWORD } from '../../discovery/manifest.ts'
import type { Answers } from './answers.ts'
import { licenseText } from './license.ts'
import { quoteSpecifier } from './quote-specifier.ts'
import { readmeText } from './readme.ts'
import { workflowText } from './workflow.ts'
import type { NewFile } from './write-files.ts'

/** What a plugin is called and made with. */
export interface PluginFacts extends Answers {
  /** The version of eventsets that it is made with. */
  readonly version: string
  readonly year: number
  /** The name of the folder it is made in. */
  readonly folderName: string
}

/** The files of a new plugin. */
export function pluginFiles(facts: PluginFacts): NewFile[] {
  const { setName } = facts
  const license = licenseText(facts)
  return [
    { path: 'package.json', text: packageText(facts), purpose: 'where npm and eventsets look first' },
    { path: `sets/${setName}.json`, text: setText(facts), purpose: 'the event set' },
    { path: `test/${setName}.test.js`, text: testText(facts), purpose: 'its tests' },
    { path: 'README.md', text: readmeText(facts), purpose: 'how to change, try and publish it' },
    ...(license === undefined ? [] : [{ path: 'LICENSE', text: license, purpose: 'who may use it' }]),
    { path: '.gitignore', text: 'node_modules/\n*.tgz\n', purpose: 'what git leaves out' },
    {
      path: '.github/workflows/publish.yml',
      text: workflowText(),
      purpose: 'checks it on GitHub, and publishes it',
    },
  ]
}

/** Those that are made whatever the answers are, and may not be there before. */
export const ALWAYS = ['package.json', '.github/workflows/publish.yml']

/** What a new repository begins with. The plugin is as good with those that are there. */
export const KEPT = ['README.md', 'LICENSE', '.gitignore']

function packageText(facts: PluginFacts): string {
  const { name, description, author, license, repository, version } = facts
  return toJson({
    name,
    version: '0.1.0',
    description,
    keywords: [PLUGIN_KEYWORD, 'eventsets', 'pino', 'logging'],
    license,
    ...(author === '' ? {} : { author }),
    ...(repository === '' ? {} : { repository: { type: 'git', url: repositoryUrl(repository) } }),
    type: 'module',
    exports: { './sets/*': './sets/*', './package.json': './package.json' },
    files: ['sets'],
    eventsets: { apiVersion: API_VERSION, sets: ['./sets/*.json'] },
    scripts: { test: 'node --test --test-reporter=spec', lint: 'eventsets lint .' },
    peerDependencies: { eventsets: `>=${version}` },
    devDependencies: { eventsets: `^${version}` },
  })
}

function repositoryUrl(repository: string): string {
  return repository.includes('://') ? repository : `git+https://github.com/${repository}.git`
}

function setText({ setName, description }: PluginFacts): string {
  return `{
  "$schema": "https://unpkg.com/eventsets/schema.json",
  "name": ${JSON.stringify(setName)},
  "description": ${JSON.stringify(description)},
  "mappings": [
    {
      "name": "status",
      "description": "How far it is, and what came of it",
      "visualMarkers": { "started": "🏃", "succeeded": "✅", "failed": "❌" },
      "metadataFields": {
        "succeeded": { "${setName}.success": true },
        "failed": { "${setName}.success": false }
      }
    },
    {
      "name": "duration",
      "description": "How long it took, when it was long",
      "ranges": { "very_slow": [5000, null], "slow": [1000, null] },
      "visualMarkers": { "slow": "🐢", "very_slow": "🐌" }
    }
  ],
  "fieldMappings": [
    {
      "logKey": "${setName}.status",
      "mapping": "status",
      "valueType": "string"
    },
    {
      "logKey": "${setName}.duration_ms",
      "mapping": "duration",
      "valueType": "number",
      "description": "In milliseconds"
    }
  ]
}
`
}

function testText({ setName }: PluginFacts): string {
  return `import assert from ${quoteSpecifier('node:assert/strict')}
import { readFileSync } from ${quoteSpecifier('node:fs')}
import { test } from ${quoteSpecifier('node:test')}
import { createEnricher, EventSetRegistry } from ${quoteSpecifier('eventsets')}
import { eventSetConformance } from ${quoteSpecifier('eventsets/testing')}

const set = JSON.parse(readFileSync(new URL('../sets/${setName}.json', import.meta.url), 'utf8'))

// What every event set has to do: each case is a sentence, and its failure says what to change.
for (const { name, run } of eventSetConformance(set)) test(\`${setName} \${name}\`, run)

// What yours is meant to show. Add the records that your application logs.
test('a failure that took long has both markers', () => {
  const record = { '${setName}.status': 'failed', '${setName}.duration_ms': 7000 }

  assert.deepEqual(markersOf(record), ['❌', '🐌'])
})

function markersOf(record) {
  const registry = new EventSetRegistry()
  registry.registerEventSet(set)
  return createEnricher(registry)
    .enrich(record)
    .markers.map(({ marker }) => marker)
}
`
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
