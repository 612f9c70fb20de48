/** An option of the command, as data: the command line, the help and the documentation all come from it. */
export interface CliOption {
  /** The long name without dashes, in kebab case. */
  readonly name: string
  readonly short?: string
  /** What the value is called in the help. Without it the option is a switch. */
  readonly value?: string
  /** Tells whether the next argument is this option's value; for options that may stand without one. */
  readonly takes?: (argument: string) => boolean
  readonly choices?: readonly string[]
  /** May be given several times, and each counts. */
  readonly isRepeatable?: boolean
  /** The help for `--no-<name>`, where that exists. */
  readonly negation?: string
  /** No `--<name>`, only `--no-<name>`, in the help: it is what happens anyway. */
  readonly isOnByDefault?: boolean
  /** Other long names, for those who come from pino-pretty. */
  readonly synonyms?: readonly string[]
  readonly help: string
  /** The heading in the help. */
  readonly group?: string
}

/** The name of an option's value among the flags: `singleLine` for `single-line`. */
export function flagName({ name }: CliOption): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

const set: CliOption = {
  name: 'set',
  value: '<file>',
  isRepeatable: true,
  help: 'an event set of your own, a JSON file; may be given several times',
}
const ascii: CliOption = { name: 'ascii', help: 'no emoji: markers as their keys, such as [2xx]' }
const color: CliOption = {
  name: 'color',
  short: 'c',
  synonyms: ['colorize'],
  negation: 'no colour',
  help: 'colour, wherever the output goes (also --colorize)',
}
const discovery: CliOption = {
  name: 'discovery',
  isOnByDefault: true,
  negation: 'do not look for plugins among the dependencies',
  help: 'look for plugins among the dependencies',
}
const config: CliOption = {
  name: 'config',
  value: '<file>',
  negation: 'read no configuration',
  help: 'the configuration file (default: the nearest eventsets.config.*, or package.json)',
}
const debug: CliOption = { name: 'debug', help: 'show the stack of an error' }

const MARKERS = 'Markers:'
const INPUT = 'Which lines:'
const LAYOUT = 'How lines look (the same as in pino-pretty):'
const LOGGER = 'How the logger writes:'
const OTHER = 'Other:'

/** The options of `eventsets [file...]`. */
export const viewOptions: readonly CliOption[] = [
  { group: INPUT, name: 'follow', short: 'f', help: 'go on as the files grow' },
  {
    group: INPUT,
    name: 'minimum-level',
    short: 'L',
    value: '<level>',
    help: 'leave out what is below this level, a name or a number',
  },
  {
    group: INPUT,
    name: 'max-line-bytes',
    value: '<bytes>',
    help: 'a longer line passes through as it is (default: 1048576)',
  },
  { group: MARKERS, name: 'json', help: 'JSON lines instead of text: the original bytes, and the markers' },
  {
    group: MARKERS,
    name: 'markers',
    value: '<place>',
    choices: ['message', 'field', 'none'],
    help: 'where they go: "message" (default for text), "field" (default for JSON), "none"',
  },
  {
    group: MARKERS,
    name: 'marker-style',
    value: '<style>',
    choices: ['brackets', 'plain'],
    help: '"brackets" (default): [📥][✅] text; "plain": 📥 ✅ text',
  },
  {
    group: MARKERS,
    name: 'markers-field',
    value: '<key>',
    help: 'the field that holds them (default: "markers")',
  },
  {
    group: MARKERS,
    name: 'metadata',
    help: 'add the fields that the sets know about a value (default for JSON)',
    negation: 'do not add them (default for text)',
  },
  { group: MARKERS, ...ascii },
  { group: MARKERS, ...set },
  { group: MARKERS, ...discovery },
  { group: MARKERS, ...config },
  { group: LAYOUT, ...color },
  { group: LAYOUT, name: 'single-line', short: 'S', help: 'one line a record' },
  {
    group: LAYOUT,
    name: 'translate-time',
    short: 't',
    value: '[format]',
    takes: isTimeFormat,
    help: 'how to show the time, such as SYS:HH:MM:ss; "false" for the number',
  },
  {
    group: LAYOUT,
    name: 'ignore',
    short: 'i',
    value: '<keys>',
    help: 'keys to leave out (default: "hostname")',
  },
  { group: LAYOUT, name: 'include', short: 'I', value: '<keys>', help: 'the only keys to show' },
  {
    group: LAYOUT,
    name: 'hide-object',
    short: 'H',
    help: 'no fields and no errors, only the message line',
  },
  { group: LAYOUT, name: 'level-first', short: 'l', help: 'the level before the time' },
  {
    group: LAYOUT,
    name: 'message-format',
    short: 'o',
    value: '<template>',
    help: 'the message line, such as "{levelLabel} - {msg}"',
  },
  {
    group: LAYOUT,
    name: 'level-label',
    short: 'b',
    value: '<token>',
    help: 'what the level is called in --message-format (default: "levelLabel")',
  },
  {
    group: LAYOUT,
    name: 'error-props',
    short: 'e',
    value: '<keys>',
    help: 'properties of errors to show; "*" for all',
  },
  {
    group: LAYOUT,
    name: 'custom-colors',
    short: 'X',
    value: '<colors>',
    help: 'colours of levels, such as "info:blue,error:red"',
  },
  {
    group: LAYOUT,
    name: 'colorize-objects',
    isOnByDefault: true,
    help: 'fields with colour',
    negation: 'fields without colour',
  },
  { group: LAYOUT, name: 'crlf', help: 'end lines with CR LF' },
  {
    group: LOGGER,
    name: 'custom-levels',
    short: 'x',
    value: '<levels>',
    help: 'its levels beside the standard ones, such as "audit:35,verbose:15"',
  },
  {
    group: LOGGER,
    name: 'use-only-custom-props',
    short: 'U',
    value: '[bool]',
    takes: isBoolean,
    help: 'custom levels and colours replace the standard ones (default), or add to them ("false")',
  },
  {
    group: LOGGER,
    name: 'message-key',
    short: 'm',
    value: '<key>',
    help: 'the key of the message (default: "msg")',
  },
  { group: LOGGER, name: 'level-key', value: '<key>', help: 'the key of the level (default: "level")' },
  {
    group: LOGGER,
    name: 'timestamp-key',
    short: 'a',
    value: '<key>',
    help: 'the key of the time (default: "time")',
  },
  { group: LOGGER, name: 'error-key', value: '<key>', help: 'the key of an error (default: "err")' },
  {
    group: LOGGER,
    name: 'error-like-object-keys',
    short: 'k',
    value: '<keys>',
    help: 'all keys that hold errors (default: "err,error")',
  },
  {
    group: LOGGER,
    name: 'nested-key',
    value: '<key>',
    help: 'the key below which it puts its fields (default: none)',
  },
  { group: OTHER, ...debug },
]

const STREAM = 'From where to where:'
const SHARING = 'How they are shared:'

/** What `eventsets worker` has beside those of the view. */
export const streamOptions: readonly CliOption[] = [
  {
    group: STREAM,
    name: 'from',
    value: '<url>',
    help: 'the stream to read, such as "redis://host:6379/logs"',
  },
  { group: STREAM, name: 'stream', value: '<name>', help: 'its name, unless the URL ends with it' },
  {
    group: STREAM,
    name: 'to',
    value: '<target>',
    help: 'another stream, as a URL, a file to append to, or "-" (default)',
  },
  {
    group: STREAM,
    name: 'output',
    value: '<kind>',
    choices: ['json', 'pretty'],
    help: '"json" (default) or "pretty", text (default in a terminal)',
  },
  { group: STREAM, name: 'json', help: 'the same as --output json' },
  {
    group: STREAM,
    name: 'max-len',
    value: '<lines>',
    help: 'so many lines the stream of --to keeps, about (default: all)',
  },
  {
    group: STREAM,
    name: 'idle-exit-ms',
    value: '<ms>',
    help: 'end when nothing has come for so long (default: never)',
  },
  { group: SHARING, name: 'group', value: '<name>', help: 'those who share the lines between them' },
  {
    group: SHARING,
    name: 'consumer',
    value: '<name>',
    help: 'what this worker is called on the server (default: host and process)',
  },
  {
    group: SHARING,
    name: 'new-groups',
    value: '<start>',
    choices: ['beginning', 'now'],
    help: 'where a new group begins: "beginning" (default) or "now"',
  },
  {
    group: SHARING,
    name: 'batch',
    value: '<lines>',
    help: 'so many lines are read at once at most (default: 500)',
  },
  {
    group: SHARING,
    name: 'claim-idle-ms',
    value: '<ms>',
    help: 'a worker that was not heard of for so long is dead, and others do what it had in hand (default: 15000)',
  },
  {
    group: SHARING,
    name: 'verbose',
    help: 'tell at the start and at the end what is done, as in a terminal',
  },
]

/** The options of `eventsets worker`. */
export const workerOptions: readonly CliOption[] = [
  ...streamOptions,
  ...viewOptions.filter(({ name }) => name !== 'follow' && name !== 'json'),
]

/** The options of `eventsets list` and `eventsets show`. */
export const setOptions: readonly CliOption[] = [
  { name: 'json', help: 'one JSON document' },
  { name: 'plain', help: 'for programs: one item a line, columns separated by tabs' },
  ascii,
  set,
  discovery,
  config,
  color,
  debug,
]

/** What `eventsets list` has beside these. */
export const listOptions: readonly CliOption[] = [
  { name: 'sources', help: 'for each log key, which set owns it and which get less or nothing' },
  { name: 'strict', help: 'exit code 1 when a plugin or the configuration has a problem' },
]

/** The options of `eventsets lint`. */
export const lintOptions: readonly CliOption[] = [
  {
    name: 'format',
    value: '<format>',
    choices: ['text', 'json', 'github', 'sarif', 'junit'],
    help: '"text" (default), "json", "github" (annotations), "sarif" (2.1.0) or "junit" (XML)',
  },
  { name: 'json', help: 'the same as --format json' },
  {
    name: 'fail-on',
    value: '<level>',
    choices: ['error', 'warn', 'info'],
    help: 'exit code 1 from this level on: "error", "warn" (default) or "info"',
  },
  discovery,
  config,
  color,
  debug,
]

/** The options of `eventsets init`. */
export const initOptions: readonly CliOption[] = [
  { name: 'name', value: '<name>', help: 'the name of the package (default: from the folder)' },
  { name: 'set-name', value: '<name>', help: 'the name of its event set (default: from the package)' },
  { name: 'description', value: '<text>', help: 'what it shows, in a few words' },
  { name: 'author', value: '<name>', help: 'who makes it (default: the user of git)' },
  { name: 'license', value: '<id>', help: 'its licence, an SPDX identifier (default: MIT)' },
  { name: 'repository', value: '<url>', help: 'where its source is: owner/name on GitHub, or a URL' },
  { name: 'yes', help: 'ask nothing, and take the defaults' },
  { name: 'json', help: 'one JSON document, and no questions' },
  color,
  debug,
]

function isBoolean(argument: string): boolean {
  return argument === 'true' || argument === 'false'
}

/**
 * Whether a text is a time format as pino-pretty takes it, and not the name of a file: in `-t app.log` the file is
 * meant. Such a format has a zone in front, or consists of the letters that stand for parts of a time.
 */
function isTimeFormat(argument: string): boolean {
  return (
    isBoolean(argument) ||
    /^(?:SYS|UTC):./i.test(argument) ||
    NAMED_TIME_FORMAT.test(argument) ||
    (/[A-Za-z]/.test(argument) && TIME_FORMAT.test(argument))
  )
}

const NAMED_TIME_FORMAT =
  /^(?:default|(?:padded)?ShortDate|(?:medium|long|full)Date|(?:short|medium|long)Time|iso(?:Date|Time|DateTime|UtcDateTime)|expiresHeaderFormat)$/i
const TIME_FORMAT =
  /^(?!-)(?:d{1,4}|D{3,4}|m{1,4}|yy(?:yy)?|HH?|hh?|MM?|ss?|tt?|TT?|WW?|[LlopSZN]|"[^"]*"|'[^']*'|[^A-Za-z"'])+$/
