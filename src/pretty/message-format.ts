import { compileReader, splitPath } from './field-path.ts'
import type { AnyRecord } from './filter.ts'
import { type CustomLevels, parseCustomLevels, STANDARD_LEVELS } from './level-label.ts'
import type { ResolvedOptions } from './options.ts'

const BLOCK = /{if (.*?)}([\s\S]*?){end}/g

/**
 * Compiles a template such as `"{if req.id}{req.id} {end}{levelLabel} {msg}"`.
 *
 * What is between `{if key}` and `{end}` counts only where the record has something in `key`, and only where it
 * mentions `{key}` itself.
 */
export function compileMessageFormat(
  template: string,
  options: ResolvedOptions,
): (record: AnyRecord) => string {
  const findValue = compileValues(options)
  const pieces = splitBlocks(template)
  if (pieces.length === 1) return compileTemplate(tidyTemplate(template), findValue)
  const writeAny = (record: AnyRecord) =>
    tidyTemplate(pieces.map((piece) => (typeof piece === 'string' ? piece : piece.write(record))).join(''))
      // What the values of the blocks have brought in is looked through for fields, too.
      .replace(FIELD, (_, name: string) => String(findValue(name)(record)))
  return compilePlainBlocks(pieces, options.levelLabel, findValue, writeAny)
}

/** The most blocks that get a template for each way to take some of them. */
const MAX_PLAIN_BLOCKS = 8

/**
 * Mostly a value has nothing in it that could change the template around it. Then all that matters is which blocks
 * count, and for each choice of them there is a template without any.
 */
function compilePlainBlocks(
  pieces: readonly (string | Block)[],
  levelLabel: string,
  findValue: FindValue,
  writeAny: (record: AnyRecord) => string,
): (record: AnyRecord) => string {
  const blocks = pieces.filter((piece) => typeof piece === 'object')
  if (blocks.length > MAX_PLAIN_BLOCKS || blocks.some((block) => !isPlainBlock(block, levelLabel)))
    return writeAny
  const writers: ((record: AnyRecord) => string)[] = []
  const compileChoice = (choice: number) => {
    const text = pieces.map((piece) =>
      typeof piece === 'string' ? piece : (choice >> blocks.indexOf(piece)) & 1 ? piece.body : '',
    )
    return compileTemplate(tidyTemplate(text.join('')), findValue)
  }
  return (record) => {
    let choice = 0
    for (const [index, { read }] of blocks.entries()) {
      const value = read(record)
      if (!value) continue
      if (typeof value === 'string' ? !PLAIN_VALUE.test(value) : typeof value !== 'number')
        return writeAny(record)
      choice |= 1 << index
    }
    writers[choice] ??= compileChoice(choice)
    return (writers[choice] as (record: AnyRecord) => string)(record)
  }
}

/** No braces, nothing that String.replace reads in a way of its own, no blanks that would be put in order. */
const PLAIN_VALUE = /^[^\s{}$]+(?: [^\s{}$]+)*$/

/** Whether the key means the same in the body of the block as outside of blocks. */
function isPlainBlock({ key, body, token }: Block, levelLabel: string): boolean {
  const literal = `{${key}}`
  return (
    key !== levelLabel &&
    !/[{}]|^if |^end$/.test(key) &&
    body.includes(literal) &&
    body.replace(token, '') === body.replaceAll(literal, '')
  )
}

type FindValue = (name: string) => (record: AnyRecord) => unknown

const FIELD = /{([^{}]+)}/g

function compileTemplate(template: string, findValue: FindValue): (record: AnyRecord) => string {
  // Texts and the names of fields take turns.
  const [first = '', ...others] = template.split(FIELD)
  const fields: { readonly read: (record: AnyRecord) => unknown; readonly after: string }[] = []
  for (let index = 0; index < others.length; index += 2)
    fields.push({ read: findValue(others[index] as string), after: others[index + 1] as string })
  return (record) => {
    let text = first
    for (const { read, after } of fields) text += String(read(record)) + after
    return text
  }
}

/** The name of the level for its token, otherwise a field; nothing for a field that is not there. */
function compileValues({
  customLevels,
  levelKey,
  levelLabel,
  useOnlyCustomProps,
}: ResolvedOptions): FindValue {
  const { labels } = parseCustomLevels(customLevels as CustomLevels)
  const readLevel = compileReader(splitPath(levelKey))
  const findLabel = (level: unknown) => {
    const custom = labels[String(level)]
    return useOnlyCustomProps || custom !== undefined ? custom : STANDARD_LEVELS.labels[String(level)]
  }
  const readers = new Map<string, (record: AnyRecord) => unknown>()
  return (name) => {
    let reader = readers.get(name)
    if (reader === undefined) {
      const read = compileReader(splitPath(name))
      const readOrNothing = (record: AnyRecord) => {
        const value = read(record)
        return value === undefined ? '' : value
      }
      reader =
        name === levelLabel
          ? (record) => {
              const level = readLevel(record)
              return level === undefined ? readOrNothing(record) : findLabel(level)
            }
          : readOrNothing
      // The names in the values of a record count too, and there can be any number of those.
      if (readers.size < MAX_READERS) readers.set(name, reader)
    }
    return reader
  }
}

const MAX_READERS = 100

interface Block {
  readonly key: string
  readonly body: string
  readonly token: RegExp | string
  readonly read: (record: AnyRecord) => unknown
  readonly write: (record: AnyRecord) => string
}

/** The template as texts and the blocks between them. */
function splitBlocks(template: string): (string | Block)[] {
  const pieces: (string | Block)[] = []
  let from = 0
  for (const { 0: block, 1: key = '', 2: body = '', index } of template.matchAll(BLOCK)) {
    pieces.push(template.slice(from, index), compileBlock(key, body))
    from = index + block.length
  }
  return [...pieces, template.slice(from)]
}

function compileBlock(key: string, body: string): Block {
  const read = compileReader(splitPath(key))
  const token = compileToken(key)
  const write = (record: AnyRecord) => {
    const value = read(record)
    // A text with "$&" and the like in it means to String.replace what it means to pino-pretty's.
    return value && body.includes(key) ? body.replace(token, value as string) : ''
  }
  return { key, body, token, read, write }
}

/** The key is a regular expression in pino-pretty, where the dot of `{req.id}` is any character. */
function compileToken(key: string): RegExp | string {
  try {
    return new RegExp(`{${key}}`, 'g')
  } catch {
    return `{${key}}`
  }
}

/** The text without what is left of blocks, and with its blanks in order. */
function tidyTemplate(text: string): string {
  return text
    .replace(/{if (.*?)}/g, '')
    .replaceAll('{end}', '')
    .replace(/[^\S\r\n]+/g, ' ')
    .replace(/\n[^\S\r\n]*\n/g, '\n')
    .trim()
}
