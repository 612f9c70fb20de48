import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { Path } from './path.ts'
import { quote } from './quote.ts'

/** A place in a file as people count: from 1, columns in UTF-16 code units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Something that is wrong with the text itself, whatever it says. */
export interface TextFault {
  readonly kind: 'syntax' | 'comment' | 'duplicate-key'
  readonly offset: number
  readonly message: string
  readonly hint: string | undefined
}

/** The text of a JSON file, what it says, and where in it everything stands. */
export interface Document {
  readonly value: unknown
  /** Whether the value is all that the author wrote. Comments and a comma too many do no harm to it. */
  readonly isWhole: boolean
  readonly faults: readonly TextFault[]
  /** Where a part of the value begins, or the nearest part around it that there is. */
  locate(path: Path, at: 'key' | 'value'): Position
  /** Line and column of an offset. */
  positionOf(offset: number): Position
}

/** No event set and no package.json comes near it; a parser that calls itself would run out of stack. */
const MAX_DEPTH = 100

/** Of a file that is no JSON at all, nobody wants to hear more. */
const MAX_SYNTAX_FAULTS = 20

/** Of comments and keys that stand twice, which are each mended alone. */
const MAX_OTHER_FAULTS = 200

/** Reads JSON so that everything that is wrong with it can be told, each with its place. Never throws. */
export function readDocument(source: string): Document {
  // Editors do not count the byte order mark.
  const text = source.replace(/^\ufeff/, '')
  const positionOf = createPositions(text)
  const tooDeep = findTooDeep(text)
  if (tooDeep) {
    const locate = () => positionOf(tooDeep.offset)
    return { value: undefined, isWhole: false, faults: [tooDeep], locate, positionOf }
  }
  const tolerated: ParseError[] = []
  const tree = parseTree(text, tolerated, { allowTrailingComma: true })
  const properties = new WeakMap<Node, ReadonlyMap<string, Node>>()
  return {
    value: tree === undefined ? undefined : readValue(tree),
    isWhole: tree !== undefined && tolerated.length === 0,
    faults: [...findSyntaxFaults(text), ...(tree ? findDuplicateKeys(tree) : [])],
    locate: (path, at) => positionOf(tree === undefined ? 0 : findOffset(tree, path, at, properties)),
    positionOf,
  }
}

function createPositions(text: string): (offset: number) => Position {
  const starts = [0, ...[...text.matchAll(/\r\n|\n|\r/g)].map(({ index, 0: end }) => index + end.length)]
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] as number) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 }
  }
}

function findTooDeep(text: string): TextFault | undefined {
  let depth = 0
  for (let offset = 0; offset < text.length; offset++) {
    const character = text[offset]
    if (character === '"') offset = endOfString(text, offset)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth > MAX_DEPTH) {
      const message = `nested more than ${MAX_DEPTH} levels deep`
      return { kind: 'syntax', offset, message, hint: 'Nothing that eventsets reads is.' }
    }
  }
  return undefined
}

function endOfString(text: string, start: number): number {
  let offset = start + 1
  while (offset < text.length && text[offset] !== '"' && text[offset] !== '\n') {
    offset += text[offset] === '\\' ? 2 : 1
  }
  return offset
}

/** What a strict parser says, with one fault for one place: it stumbles several times over one thing. */
function findSyntaxFaults(text: string): TextFault[] {
  const errors: ParseError[] = []
  parseTree(text, errors, { disallowComments: true, allowTrailingComma: false })
  const faults = new Map<number, ParseError>()
  const comments = new Set<number>()
  for (const error of errors) {
    const { offset } = error
    const code = printParseErrorCode(error.error)
    const isComment = code === 'InvalidCommentToken' || code === 'UnexpectedEndOfComment'
    if (isComment || isCommentAt(text, offset)) comments.add(offset)
    else if (!faults.has(offset)) faults.set(offset, error)
  }
  const found = [...faults.values()].sort((one, other) => one.offset - other.offset)
  const words = { text, isEmpty: text.trim() === '' }
  return [
    // Worded when they are chosen: of hundreds of thousands that takes its time.
    ...limitFaults(found, MAX_SYNTAX_FAULTS, (error) => wordSyntax(error, words)),
    ...limitFaults([...comments], MAX_OTHER_FAULTS, commentFault),
  ]
}

function isCommentAt(text: string, offset: number): boolean {
  return text.startsWith('//', offset) || text.startsWith('/*', offset)
}

function commentFault(offset: number): TextFault {
  return {
    kind: 'comment',
    offset,
    message: 'a comment, which JSON does not have',
    hint: 'Put it into a "description", or into the README.',
  }
}

/** The first of them in words, the last of which says how many more there are. */
function limitFaults<T>(found: readonly T[], most: number, word: (one: T) => TextFault): TextFault[] {
  const shown = found.slice(0, most).map(word)
  const last = shown.at(-1)
  if (last === undefined || shown.length === found.length) return shown
  const message = `${last.message}; and ${found.length - shown.length} more errors behind it`
  return [...shown.slice(0, -1), { ...last, message }]
}

function wordSyntax(
  { error, offset, length }: ParseError,
  { text, isEmpty }: { readonly text: string; readonly isEmpty: boolean },
): TextFault {
  const code = printParseErrorCode(error)
  const token = text.slice(offset, offset + length)
  const fault = (message: string, hint?: string): TextFault => ({ kind: 'syntax', offset, message, hint })
  if (isEmpty) return fault('the file is empty', 'An event set begins with { "name": … }.')
  if (/^[}\]]/.test(token) && isBehindComma(text, offset))
    return fault(`a comma before "${token}"`, 'The last entry of a list or an object has no comma behind it.')
  if (token.startsWith("'")) return fault('a text in single quotation marks', 'JSON takes double ones only.')
  const shown = JSON.stringify(token.slice(0, 40))
  switch (code) {
    case 'InvalidSymbol':
      return fault(`${shown} is no JSON`, 'Texts and keys stand in double quotation marks.')
    case 'InvalidNumberFormat':
    case 'UnexpectedEndOfNumber':
      return fault(`${shown} is no number of JSON`)
    case 'PropertyNameExpected':
      return fault(`expected a key in double quotation marks${got(token)}`)
    case 'ValueExpected':
      return fault(`expected a value${got(token)}`)
    case 'ColonExpected':
      return fault(`expected ":" behind a key${got(token)}`)
    case 'CommaExpected':
      return fault(`expected "," between two entries${got(token)}`)
    case 'CloseBraceExpected':
      return fault(`expected "}"${got(token)}`)
    case 'CloseBracketExpected':
      return fault(`expected "]"${got(token)}`)
    case 'EndOfFileExpected':
      return fault(`expected the end of the file${got(token)}`)
    case 'UnexpectedEndOfString':
      return fault('a text without its closing quotation mark')
    case 'InvalidUnicode':
      return fault('an escape such as \\u0041 has four hexadecimal digits')
    case 'InvalidEscapeCharacter':
      return fault(
        'an escape that JSON does not have',
        'There are \\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four digits.',
      )
    default:
      return fault('a control character in a text', 'Write it as an escape, such as \\n or \\u001b.')
  }
}

/** Not by a regular expression, which would begin anew at every comma of the text. */
function isBehindComma(text: string, offset: number): boolean {
  let before = offset - 1
  while (before >= 0 && WHITE_SPACE.has(text[before] as string)) before--
  return text[before] === ','
}

const WHITE_SPACE: ReadonlySet<string> = new Set([' ', '\t', '\n', '\r'])

function got(token: string): string {
  return token === '' ? ', got the end of the file' : `, got ${JSON.stringify(token.slice(0, 40))}`
}

/** The parser takes the last of several equal keys and says nothing. */
function findDuplicateKeys(root: Node): TextFault[] {
  const repeated: Node[] = []
  const visit = ({ type, children = [] }: Node) => {
    const seen = new Set<string>()
    for (const child of children) {
      const [key, value] = type === 'object' ? (child.children ?? []) : [undefined, child]
      if (key !== undefined && seen.has(key.value as string)) repeated.push(key)
      if (key !== undefined) seen.add(key.value as string)
      if (value !== undefined) visit(value)
    }
  }
  visit(root)
  return limitFaults(repeated, MAX_OTHER_FAULTS, ({ offset, value }) => ({
    kind: 'duplicate-key',
    offset,
    message: `the key ${quote(value as string)} stands here a second time; only the last one counts`,
    hint: 'Remove one, or join them.',
  }))
}

function readValue(node: Node): unknown {
  const { type, children = [] } = node
  if (type === 'array') return children.map(readValue)
  if (type !== 'object') return node.value
  const object = {}
  for (const { children: [key, value] = [] } of children) {
    if (key === undefined || value === undefined) continue
    // defineProperty, not assignment: a key named "__proto__" is data.
    Object.defineProperty(object, key.value, {
      value: readValue(value),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return object
}

function findOffset(
  root: Node,
  path: Path,
  at: 'key' | 'value',
  properties: WeakMap<Node, ReadonlyMap<string, Node>>,
): number {
  let node = root
  for (const [depth, segment] of path.entries()) {
    if (typeof segment === 'number') {
      const element = node.type === 'array' ? node.children?.[segment] : undefined
      if (element === undefined) return node.offset
      node = element
      continue
    }
    const property = propertiesOf(node, properties).get(segment)
    if (property === undefined) return node.offset
    const [key, value] = property.children ?? []
    if (value === undefined || (at === 'key' && depth === path.length - 1)) return (key ?? property).offset
    node = value
  }
  return node.offset
}

/** Kept, since a large table is asked for each of its keys. Of several equal keys the last one counts. */
function propertiesOf(
  node: Node,
  properties: WeakMap<Node, ReadonlyMap<string, Node>>,
): ReadonlyMap<string, Node> {
  const known = properties.get(node)
  if (known !== undefined) return known
  const found = new Map<string, Node>()
  if (node.type === 'object') {
    for (const property of node.children ?? []) found.set(property.children?.[0]?.value as string, property)
  }
  properties.set(node, found)
  return found
}
