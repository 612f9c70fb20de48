// Runs the benchmarks: `npm run bench`, or some of them: `npm run bench -- cli start`.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureCorpus } from './corpus.mjs'
import { renderReport } from './report.mjs'

const SUBJECTS = ['cli', 'enricher', 'transport', 'start']

const HELP = `Usage: node bench/run.mjs [subject ...] [options]

Subjects: ${SUBJECTS.join(', ')} (all unless named)

Options:
  --rounds <n>   how often each peer runs (5)
  --lines <n>    lines of the corpus (300000)
  --seed <n>     seed of the corpus (42)
  --markdown     Markdown tables instead of text
  --json <file>  write every single measurement to a file
  --help`

class UsageError extends Error {}

try {
  await main()
} catch (error) {
  process.stderr.write(`\n${error instanceof UsageError ? error.message : error.stack}\n`)
  process.exitCode = 2
}

async function main() {
  const { names, rounds, lines, seed, markdown, json, help } = readArguments()
  if (help) return process.stdout.write(`${HELP}\n`)

  const started = Date.now()
  onProgress('corpus')
  const corpus = ensureCorpus({ lines, seed })
  print(`${describeMachine()}\n${describeCorpus(corpus, seed)}\nRounds: ${rounds}.\n`)

  const reports = []
  for (const name of names) {
    const { run } = await import(`./${name}.mjs`)
    const report = await run({ corpus, rounds, onProgress: (step) => onProgress(`${name}: ${step}`) })
    reports.push(report)
    print(`${renderReport(report, { markdown })}\n`)
  }
  if (json)
    writeFileSync(
      json,
      `${JSON.stringify({ machine: describeMachine(), corpus, seed, rounds, reports }, null, 2)}\n`,
    )
  process.stderr.write(`Took ${Math.round((Date.now() - started) / 1000)} s.\n`)
}

function readArguments() {
  const options = {
    rounds: { type: 'string', default: '5' },
    lines: { type: 'string', default: '300000' },
    seed: { type: 'string', default: '42' },
    markdown: { type: 'boolean', default: false },
    json: { type: 'string' },
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
  return {
    ...values,
    rounds: readCount(values.rounds, '--rounds'),
    lines: readCount(values.lines, '--lines'),
    seed: readCount(values.seed, '--seed'),
    names: positionals.length > 0 ? SUBJECTS.filter((name) => positionals.includes(name)) : SUBJECTS,
  }
}

function readCount(text, option) {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new UsageError(`${option} takes a whole number above 0, not ${JSON.stringify(text)}.`)
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
