import { toCell } from '../table.ts'
import type { PluginFacts } from './plugin-files.ts'
import { quoteForShell } from './quote-for-shell.ts'
import { quoteSpecifier } from './quote-specifier.ts'

/** What a stranger reads on npm, and then what its author needs to know. */
export function readmeText({ name, setName, description, license, folderName }: PluginFacts): string {
  const tarball = `${name.replace(/^@/, '').replace('/', '-')}-0.1.0.tgz`
  const path = quoteForShell(toCell(`../${folderName}/${tarball}`))
  return `# ${name}

${/[.!?…]$/.test(description) ? description : `${description}.`}
Event sets for [pino](https://getpino.io) logs, shown by [eventsets](https://www.npmjs.com/package/eventsets).

\`\`\`sh
npm install pino eventsets ${name}
\`\`\`

There is nothing to configure: eventsets finds the package among the dependencies of your application.

\`\`\`js
import pino from ${quoteSpecifier('pino')}

const log = pino({ transport: { target: 'eventsets', options: { hideObject: true } } })

log.info({ '${setName}.status': 'succeeded', '${setName}.duration_ms': 1200 }, 'done')
\`\`\`

\`\`\`text
[12:00:00.000] INFO (4242): [✅][🐢] done
\`\`\`

## What it marks

| Field | Value | Marker |
|---|---|---|
| \`${setName}.status\` | \`started\` | 🏃 |
| \`${setName}.status\` | \`succeeded\` | ✅ |
| \`${setName}.status\` | \`failed\` | ❌ |
| \`${setName}.duration_ms\` | 1000 and more | 🐢 |
| \`${setName}.duration_ms\` | 5000 and more | 🐌 |

## Change the set

The set is [sets/${setName}.json](sets/${setName}.json).
An editor that knows JSON Schema completes its keys.

**Another value.**
Add it to \`visualMarkers\` of its mapping, with one emoji:

\`\`\`json
"visualMarkers": { "started": "🏃", "waiting": "⏳", "succeeded": "✅", "failed": "❌" }
\`\`\`

Upper and lower case do not matter.
A key \`"default"\` stands for every value that is not in the table.

**Another field.**
Add a field mapping that leads to a mapping; names that mean the same are \`aliases\` of one field mapping:

\`\`\`json
{ "logKey": "${setName}.result", "aliases": ["${setName}_result"], "mapping": "status", "valueType": "string" }
\`\`\`

**Numbers.**
\`ranges\` name spans of numbers; both ends count, \`null\` is an open end, and the first range that holds a number wins:

\`\`\`json
"ranges": { "very_slow": [5000, null], "slow": [1000, null] }
\`\`\`

**Fields for a log store.**
\`metadataFields\` adds fields to records with a value; give each such value a marker, too.

## Try it

\`\`\`sh
npm install
npx eventsets show ${setName}
echo '{"level":30,"${setName}.status":"failed","msg":"a try"}' | npx eventsets
npm test
npx eventsets lint .
\`\`\`

In an application of yours, before anything is published:

\`\`\`sh
npm pack
cd ../my-app
npm install ${path}
npx eventsets list
\`\`\`

(\`../my-app\` stands for the folder of your application, here one beside this folder.
The path behind \`npm install\` leads from there to the file that \`npm pack\` has made.)

## Publish it

1. Put the repository on GitHub, and its address into package.json as \`repository\`: provenance needs it.
2. Publish the first version yourself: \`npm publish --access public\`.
3. On npmjs.com, make the workflow \`publish.yml\` of the repository a trusted publisher of the package, or put a token into the secret \`NPM_TOKEN\`.
4. From then on, a version is a tag: \`npm version minor\`, then \`git push --follow-tags\`.

The workflow tests and lints the package before it publishes it.

## Licence

${license}
`
}
