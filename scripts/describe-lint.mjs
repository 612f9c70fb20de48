// What lint can find as Markdown: a table of all codes, and a page for each.
import { code, markdownTable } from './describe-sets.mjs'

/** Lines of an example are no longer than this, if they can be broken. */
const WIDTH = 96

/** A text longer than this is no example that anyone reads. */
const MAX_TEXT = 2000

/** The tables of codes, by groups. */
export function describeCodes(groups) {
  return Object.entries(groups)
    .flatMap(([title, rules]) => [
      `### ${title}`,
      markdownTable(
        ['Code', 'Level', 'Found when'],
        Object.values(rules).map((rule) => [
          `[${code(rule.code)}](lint/${rule.code}.md)`,
          rule.level,
          rule.title,
        ]),
      ),
    ])
    .join('\n\n')
}

/** Path -> text of the page of each code. */
export function describeFindings(groups) {
  return Object.values(groups)
    .flatMap((rules) => Object.values(rules))
    .map((rule) => [`docs/reference/lint/${rule.code}.md`, describeFinding(rule)])
}

function describeFinding({ code: name, level, title, why, bad, good }) {
  return `# \`${name}\`

Generated from \`src/lint/rules\` by \`npm run generate\`. Do not edit.

Level \`${level}\`: ${title}.

${bySentences(why)}

## Found

${describeExample(bad, good)}

## Not found

${describeExample(good, bad)}

[All codes](../lint.md)
`
}

/** One sentence a line. */
function bySentences(text) {
  return text.replace(/(?<=[.:]) (?=[A-Z])/g, '\n')
}

/** The files that are not the same in both examples; of several sets all, since they are about each other. */
function describeExample({ files }, other) {
  const isSet = (path) => path.startsWith('sets/')
  const isAboutSets = Object.keys(files).filter(isSet).length > 1
  return [...new Set([...Object.keys(files), ...Object.keys(other.files)])]
    .map((path) => ({ path, text: textOf(files[path]), otherText: textOf(other.files[path]) }))
    .filter(({ path, text, otherText }) => text !== otherText || (isAboutSets && isSet(path)))
    .map(({ path, text }) => (text === undefined ? `No file ${code(path)}.` : describeFile(path, text)))
    .join('\n\n')
}

/** Objects are JSON; bytes are not shown. */
function textOf(content) {
  if (content instanceof Uint8Array) return content
  return content === undefined || typeof content === 'string' ? content : `${formatJson(content)}\n`
}

function describeFile(path, text) {
  if (text instanceof Uint8Array) return `${code(path)}: ${text.length} bytes of another encoding.`
  if (text.length > MAX_TEXT) return `${code(path)}: ${text.length} bytes.`
  const language = /\.(\w+)$/.exec(path)?.[1] ?? 'text'
  // What a program would print is none of this page's business, so it is no program here.
  const fence = /^m?js$/.test(language) ? 'javascript' : language
  return `${code(path)}\n\n\`\`\`${fence}\n${escapeUnseen(text)}${text.endsWith('\n') ? '' : '\n'}\`\`\``
}

/** A page about invisible characters has to show them. */
function escapeUnseen(text) {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u200b\ufffd]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** JSON with what fits on a line on one line. */
function formatJson(value, indent = '') {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  const entries = Array.isArray(value)
    ? value.map((element) => [undefined, element])
    : Object.entries(value).filter(([, element]) => element !== undefined)
  const format = (indentation) =>
    entries.map(
      ([key, element]) =>
        (key === undefined ? '' : `${JSON.stringify(key)}: `) + formatJson(element, indentation),
    )
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{ ', ' }']
  const line = `${open}${format(inner).join(', ')}${close}`
  if (indent !== '' && !line.includes('\n') && indent.length + line.length <= WIDTH) return line
  return `${open.trim()}\n${inner}${format(inner).join(`,\n${inner}`)}\n${indent}${close.trim()}`
}
