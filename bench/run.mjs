// Runs the benchmarks: `npm run bench`, or some of them: `npm run bench -- cli start`.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { drawChart } from './chart.mjs'
import { ensureCorpus, removeRepeats } from './corpus.mjs'
import { projectPath } from './measure.mjs'
import { replacePart } from './page.mjs'
import { renderReport } from './report.mjs'
import { targetsReport } from './targets.mjs'

const SUBJECTS = ['cli', 'memory', 'enricher', 'transport', 'start', 'discovery', 'bus', 'brokers']
const DEFAULTS = { rounds: 5, lines: 300_000, seed: 42, largest: 1024 }
const PAGE = 'docs/reference/performance.md'
const PICTURE = 'docs/reference/performance.svg'

const HELP = `Usage: node bench/run.mjs [subject ...] [options]

Subjects: ${SUBJECTS.join(', ')} (all unless named)

Options:
  --rounds <n>   how often each peer runs (${DEFAULTS.rounds})
  --lines <n>    lines of the corpus (${DEFAULTS.lines})
  --seed <n>     seed of the corpus (${DEFAULTS.seed})
  --largest <n>  MiB of the largest input, for the fastest peers and the memory (${DEFAULTS.largest})
  --markdown     Markdown tables instead of text
  --json <file>  write every single measurement to a file
  --from <file>  show what --json has written, and measure nothing
  --svg <file>   draw the speeds of the command line
  --write-docs   write the figures into ${PAGE}, and the picture beside it;
                 with a seed that is not ${DEFAULTS.seed}, only the page's part about another seed
  --help`

class UsageError extends Error {}

try {
  await main()
} catch (error) {
  process.stderr.write(`\n${error instanceof UsageError ? error.message : error.stack}\n`)
  process.exitCode = 2
}

async function main() {
  const { markdown, json, from, svg, 'write-docs': writeDocs, help, ...settings } = readArguments()
  if (help) return process.stdout.write(`${HELP}\n`)

  const show = (text) => print(`${text}\n`)
  const showReport = (report) => show(renderReport(report, { markdown }))
  const results = from ? JSON.parse(readFileSync(from, 'utf8')) : await measure(settings, show, showReport)
  if (from) {
    show(results.introduction.join('\n'))
    for (const report of results.reports) showReport(report)
  }
  showReport(targetsReport(results.reports))

  if (json) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
  if (svg) writeFileSync(svg, chartOf(results))
  if (writeDocs) writePage(results)
}

/** Everything a run has found, as JSON can hold it. */
async function measure({ names, rounds, lines, seed, largest }, show, showReport) {
  const started = Date.now()
  onProgress('corpus')
  const corpus = ensureCorpus({ lines, seed })
  const command = describeCommand({ names, rounds, lines, seed, largest })
  const introduction = [describeMachine(), describeCorpus(corpus, seed), `Rounds: ${rounds}.`]
  show(introduction.join('\n'))

  const largestShare = Math.max(1, Math.ceil((largest * 2 ** 20) / corpus.bytes))
  const reports = []
  try {
    for (const name of names) {
      const { run } = await import(`./${name}.mjs`)
      const report = await run({
        corpus,
        rounds,
        largestShare,
        onProgress: (step) => onProgress(`${name}: ${step}`),
      })
      reports.push(report)
      showReport(report)
    }
  } finally {
    removeRepeats(corpus)
  }
  process.stderr.write(`Took ${Math.round((Date.now() - started) / 1000)} s.\n`)
  return { command, introduction, seed, reports }
}

/** The whole of a run with the usual seed, or the targets of a run with another one. */
function writePage(results) {
  const file = projectPath(PAGE)
  const isUsual = results.seed === DEFAULTS.seed
  // First, since it refuses a run without speeds, whose figures are no whole page either.
  const chart = isUsual ? chartOf(results) : undefined
  const reports = [targetsReport(results.reports), ...(isUsual ? results.reports : [])]
  const parts = [
    `\`\`\`bash\n${results.command}\n\`\`\``,
    results.introduction.join('\n'),
    ...reports.map((report) => renderReport(report, { markdown: true })),
  ]
  const part = isUsual ? 'figures' : 'another seed'
  writeFileSync(file, replacePart(readFileSync(file, 'utf8'), part, parts.join('\n\n')))
  if (chart) writeFileSync(projectPath(PICTURE), chart)
}

function chartOf({ introduction, seed, reports }) {
  const groups = reports.flatMap(({ chart }) => chart ?? [])
  return drawChart(groups, `${introduction[0]} Corpus with seed ${seed}.`)
}

function readArguments() {
  const options = {
    rounds: { type: 'string', default: String(DEFAULTS.rounds) },
    lines: { type: 'string', default: String(DEFAULTS.lines) },
    seed: { type: 'string', default: String(DEFAULTS.seed) },
    largest: { type: 'string', default: String(DEFAULTS.largest) },
    markdown: { type: 'boolean', default: false },
    json: { type: 'string' },
    from: { type: 'string' },
    svg: { type: 'string' },
    'write-docs': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  }
  let parsed
  try {
    parsed = parseArgs({ options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${HELP}`)
  }
  const { values, positionals } = parsed
  const unknown = positionals.filter((name) => !SUBJECTS.includes(name))
  if (unknown.length > 0)
    throw new UsageError(`No subject ${unknown.join(', ')}. There are ${SUBJECTS.join(', ')}.`)
  const counts = Object.keys(DEFAULTS).map((name) => [name, readCount(values[name], `--${name}`)])
  return {
    ...values,
    ...Object.fromEntries(counts),
    names: positionals.length > 0 ? SUBJECTS.filter((name) => positionals.includes(name)) : SUBJECTS,
  }
}

function readCount(text, option) {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError(`${option} takes a whole number above 0, not ${JSON.stringify(text)}.`)
}

/** The command that measures the same again, and writes it into the page. */
function describeCommand({ names, ...settings }) {
  const changed = Object.keys(DEFAULTS).filter((name) => settings[name] !== DEFAULTS[name])
  const words = [
    ...(names.length === SUBJECTS.length ? [] : names),
    ...changed.map((name) => `--${name} ${settings[name]}`),
    '--write-docs',
  ]
  return `npm run bench -- ${words.join(' ')}`
}

function describeMachine() {
  const model = cpus()[0]?.model.trim() || 'unknown processor'
  return `Node ${process.version}, ${process.platform} ${release().split('-')[0]} ${process.arch}, ${availableParallelism()} cores (${model}).`
}

function describeCorpus({ lines, bytes, averageBytes, maxBytes, sha256, writtenBy }, seed) {
  return `Corpus: ${lines.toLocaleString('en')} lines, ${(bytes / 1e6).toFixed(1)} MB, ${averageBytes} bytes on average, ${maxBytes} at most, seed ${seed}, ${writtenBy}, sha256 ${sha256.slice(0, 16)}.`
}

function print(text) {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  process.stdout.write(`${text}\n`)
}

function onProgress(step) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${step}`)
}
