// Draws docs/assets/demo.svg, the picture in the README, from what the demo really prints.
// Times and ports are replaced by fixed ones: the picture changes only when the output does.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = new URL('../docs/assets/demo.svg', import.meta.url)

const WIDTH = 900
const PADDING = 18
const TITLE_BAR = 34
const FONT_SIZE = 13
const COLUMN = 7.8
const LINE = 20
const COLUMNS = Math.floor((WIDTH - 2 * PADDING) / COLUMN)

// GitHub's dark colours: a dark window stands out on a light page, and its border on a dark one.
const COLOURS = {
  text: '#e6edf3',
  dim: '#7d8590',
  30: '#484f58',
  31: '#ff7b72',
  32: '#3fb950',
  33: '#d29922',
  34: '#58a6ff',
  35: '#bc8cff',
  36: '#76e3ea',
  37: '#b1bac4',
  90: '#7d8590',
}

const lines = ['\u001b[90m$\u001b[39m npm run demo', ...logLines(runDemo())]
mkdirSync(new URL('.', target), { recursive: true })
writeFileSync(target, draw(lines.map((line) => cut(toRuns(line), COLUMNS))))
console.log(`${fileURLToPath(target).slice(root.length)}: ${lines.length} lines`)

function runDemo() {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['examples/demo/run.mjs'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '1' },
  })
  if (status !== 0) throw new Error(`The demo failed with exit code ${status}:\n${stderr}`)
  return stdout
}

/** The log without what is said before and after it, and without what differs from run to run. */
function logLines(output) {
  return output
    .replaceAll(root, '')
    .replaceAll(hostname(), 'host')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:4000')
    .split('\n')
    .filter((line) => /^\[\d/.test(stripVTControlCharacters(line)))
    .map((line, index) => line.replace(/\d\d:\d\d:\d\d\.\d{3}/, fixedTime(index)))
}

function fixedTime(index) {
  return `12:00:00.${String(index * 10).padStart(3, '0')}`
}

/** A line as runs of text of one colour. Of the escape sequences only foreground colours count. */
function toRuns(line) {
  const runs = []
  let colour = 'text'
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1].split(';')
    if (!codes) {
      if (part !== '') runs.push({ text: part, colour })
      continue
    }
    for (const code of codes) {
      if (code in COLOURS) colour = code
      else if (code === '' || code === '0' || code === '39') colour = 'text'
    }
  }
  return runs
}

/** Keeps what fits into the columns and says with a … that there was more. */
function cut(runs, columns) {
  if (stringWidth(runs.map(({ text }) => text).join('')) <= columns) return runs
  const kept = []
  let left = columns - 1
  for (const { text, colour } of runs) {
    let fitting = ''
    for (const grapheme of graphemes(text)) {
      left -= stringWidth(grapheme)
      if (left < 0) return [...kept, { text: `${fitting}…`, colour }]
      fitting += grapheme
    }
    kept.push({ text: fitting, colour })
  }
  return kept
}

function draw(rows) {
  const height = TITLE_BAR + rows.length * LINE + PADDING
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, index) => `<circle cx="${20 + index * 20}" cy="${TITLE_BAR / 2}" r="6" fill="${colour}"/>`,
  )
  const text = rows.map(
    (runs, index) => `<text y="${TITLE_BAR + index * LINE + FONT_SIZE + 1}">${drawRuns(runs)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">The log of a web shop with a marker for what happened in each line</title>
<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#0d1117" stroke="#30363d"/>
${dots.join('\n')}
<g font-family="ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace, 'Apple Color Emoji', 'Segoe UI Emoji', 'Noto Color Emoji'" font-size="${FONT_SIZE}">
${text.join('\n')}
</g>
</svg>
`
}

/** Every word has its own place and width, so that the columns hold with whatever fonts the reader has. */
function drawRuns(runs) {
  let column = 0
  let drawn = ''
  for (const { text, colour } of runs) {
    for (const piece of text.split(/(\p{Emoji_Presentation}| +)/u)) {
      const width = stringWidth(piece)
      const isEmoji = /^\p{Emoji_Presentation}$/u.test(piece)
      const x = PADDING + (column + (isEmoji ? width / 2 : 0)) * COLUMN
      const size = isEmoji ? 'text-anchor="middle"' : `textLength="${round(width * COLUMN)}"`
      if (piece.trim() !== '')
        drawn += `<tspan x="${round(x)}" ${size} fill="${COLOURS[colour]}">${escapeXml(piece)}</tspan>`
      column += width
    }
  }
  return drawn
}

function graphemes(text) {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
}

function round(number) {
  return Math.round(number * 10) / 10
}

function escapeXml(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
