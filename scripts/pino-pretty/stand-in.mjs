// A package that looks like pino-pretty to pino-pretty's own tests, and is eventsets.
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

/** Lays the package out in an empty folder, with the tests of the real one, and gives the paths of those. */
export function createStandIn({ folder, root, theirs, isWanted }) {
  const write = (path, code) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
  }
  write('package.json', '{ "name": "pino-pretty", "type": "commonjs" }')
  write('index.js', `const pretty = require(${JSON.stringify(join(root, 'dist/pretty/index.js'))})\n${INDEX}`)
  write('bin.js', `const cli = ${JSON.stringify(pathToFileURL(join(root, 'dist/cli/main.js')).href)}\n${BIN}`)
  compileUnits(root, join(folder, 'units'))
  for (const [name, code] of Object.entries(UNITS))
    write(`lib/${name}.js`, `const units = ${JSON.stringify(join(folder, 'units'))}\n${code}`)
  for (const [name, code] of Object.entries(TOOLS)) write(`node_modules/${name}/index.js`, code)
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.') && !Object.keys(TOOLS).some((tool) => tool.split('/')[0] === name))
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction')

  write('test/helper.js', HELPER)
  const tests = listTests(theirs).filter(isWanted)
  for (const test of tests) cpSync(join(theirs, test), join(folder, test))
  return tests
}

export function listTests(theirs) {
  return ['test', 'lib', 'lib/utils'].flatMap((place) =>
    readdirSync(join(theirs, place))
      .filter((name) => name.endsWith('.test.js'))
      .map((name) => `${place}/${name}`),
  )
}

/** Modules that are not public, and not files of their own in dist/. */
function compileUnits(root, outdir) {
  const names = new Set(Object.values(UNITS).flatMap((code) => [...code.matchAll(/units \+ '\/(.*?)\.js'/g)]))
  buildSync({
    entryPoints: [...names].map(([, name]) => join(root, 'src/pretty', `${name}.ts`)),
    outdir,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    logLevel: 'warning',
  })
}

const INDEX = `
module.exports = Object.assign((options) => pretty.build(options), pretty)
`

/** The command, without what pino-pretty's has not: its tests know nothing of markers. */
const BIN = `
process.argv.push('--markers', 'none')
import(cli)
`

/** Where theirs waits for ever for a text, and with it all tests behind, this one fails when there can be none. */
const HELPER = `
exports.once = (emitter, event, check) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(reject, 10_000, new Error('nothing came'))
    emitter.on(event, (...values) => {
      clearTimeout(timer)
      try {
        resolve(check(...values))
      } catch (error) {
        reject(error)
      }
    })
    emitter.on('close', () => {
      clearTimeout(timer)
      setImmediate(reject, new Error('ended without a word'))
    })
  })
`

/** Internal functions of pino-pretty that have a counterpart, by the name of their file. */
const UNITS = {
  colors: `
module.exports = require(units + '/colorizer.js').colorizerFactory
`,
  'utils/build-safe-sonic-boom': `
const { openDestination } = require(units + '/stream-destination.js')
module.exports = ({ fd, ...options }) => openDestination({ ...options, destination: fd })
`,
  'utils/filter-log': `
const { applyFilter, compileFilter, copyRecord } = require(units + '/filter.js')
const list = (keys) => keys && [...keys].join(',')
module.exports = ({ log, context: { ignoreKeys, includeKeys } }) => {
  const filter = compileFilter(list(ignoreKeys), list(includeKeys))
  return applyFilter(copyRecord(log, filter), filter)
}
`,
  'utils/format-time': `
const { compileTime } = require(units + '/time-text.js')
module.exports = (epoch, translateTime = false) => compileTime(translateTime)(epoch)
`,
  'utils/get-property-value': `
const { compileReader, splitPath } = require(units + '/field-path.js')
module.exports = (log, key) => compileReader(Array.isArray(key) ? key : splitPath(key))(log)
`,
  'utils/handle-custom-levels-names-opts': `
const { parseCustomLevels } = require(units + '/level-label.js')
module.exports = (levels) => parseCustomLevels(levels).numbers
`,
  'utils/handle-custom-levels-opts': `
const { parseCustomLevels } = require(units + '/level-label.js')
module.exports = (levels) => parseCustomLevels(levels).labels
`,
  'utils/is-object': `
module.exports = require(units + '/error-record.js').isObject
`,
  'utils/join-lines-with-indentation': `
const { indentLines } = require(units + '/error-text.js')
module.exports = ({ input, ident = '    ', eol = '\\n' }) => indentLines(input, eol + ident)
`,
  'utils/prettify-error': `
const { writeError } = require(units + '/error-text.js')
module.exports = ({ keyName, lines, eol, ident, sanitizeStack = true }) =>
  writeError(keyName, lines, { eol, indent: ident, isOwnText: !sanitizeStack })
`,
  'utils/split-property-key': `
module.exports = require(units + '/field-path.js').splitPath
`,
  'utils/strip-unsafe-control-chars': `
module.exports = require(units + '/control-characters.js').stripControlCharacters
`,
}

/** What those tests use of packages that are not installed here. */
const TOOLS = {
  '@jsumners/assert-match': `
module.exports = (actual, expected, t) => {
  if (typeof expected === 'string') t.assert.ok(actual.includes(expected), actual)
  else for (const key of Object.keys(expected)) t.assert.deepEqual(actual[key], expected[key])
}
`,
  rimraf: `
const rimraf = (path) => require('node:fs/promises').rm(path, { recursive: true, force: true })
module.exports = Object.assign(rimraf, {
  rimraf,
  sync: (path) => require('node:fs').rmSync(path, { recursive: true, force: true }),
})
`,
}
