// Runs the tests that pino-pretty publishes with itself against eventsets/pretty and the command, as they are built.
//
// What cannot pass is listed in pino-pretty/exceptions.mjs, with the reason. A test that fails and is not in that list
// fails the run; so does one in the list that passes, or that is not there any more.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exceptions, skippedFiles } from './pino-pretty/exceptions.mjs'
import { createStandIn, listTests } from './pino-pretty/stand-in.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = createRequire(import.meta.url).resolve('pino-pretty/package.json')
const { version } = createRequire(import.meta.url)('pino-pretty/package.json')
const theirs = dirname(manifest)
const folder = mkdtempSync(join(tmpdir(), 'eventsets-pino-pretty-'))
try {
  const files = createStandIn({
    folder,
    root,
    theirs,
    isWanted: (file) => !Object.hasOwn(skippedFiles, file),
  })
  report(await runTests(files))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The tests that ran, by "file: title". */
async function runTests(files) {
  const passed = []
  const failed = new Map()
  // The tests themselves set their time zone; what they print is of no interest here.
  const events = run({ files: files.map((file) => join(folder, file)), concurrency: 2, timeout: 60_000 })
  events.on('test:pass', (event) => {
    if (isTest(event)) passed.push(nameOf(event))
  })
  events.on('test:fail', (event) => {
    if (isTest(event) || event.details.error?.failureType !== 'subtestsFailed')
      failed.set(nameOf(event), event.details.error?.cause ?? event.details.error)
  })
  for await (const _ of events);
  return { passed, failed }
}

/** Suites and files are reported as tests too. */
function isTest({ name, details, skip, todo }) {
  return details.type !== 'suite' && !name.endsWith('.test.js') && skip === undefined && todo === undefined
}

function nameOf({ file, name }) {
  return `${relative(folder, file ?? folder).replaceAll('\\', '/')}: ${name}`
}

function report({ passed, failed }) {
  const listed = new Set(exceptions.map(({ file, title }) => `${file}: ${title}`))
  const unexpected = [...failed].filter(([name]) => !listed.has(name))
  const needless = [...listed].filter((name) => !failed.has(name))
  const gone = Object.keys(skippedFiles).filter((file) => !listTests(theirs).includes(file))
  for (const [name, error] of unexpected) console.log(`FAILED ${name}\n${error?.message ?? error}\n`)
  for (const name of needless) console.log(`Listed as an exception, but it does not fail: ${name}`)
  for (const file of gone) console.log(`Listed as skipped, but it is not there: ${file}`)
  console.log(
    `pino-pretty ${version}: ${passed.length} of its tests pass, ${failed.size} fail, of which ${failed.size - unexpected.length} are known exceptions; ${Object.keys(skippedFiles).length} files are skipped.`,
  )
  if (passed.length === 0 || unexpected.length + needless.length + gone.length > 0) process.exitCode = 1
}
