import {
  atLeast,
  atMost,
  boolean,
  either,
  exactly,
  list,
  nonEmpty,
  number,
  oneOf,
  optional,
  table,
  text,
  wholeNumber,
} from '../core/shape.ts'

const fd = wholeNumber('a file descriptor', atLeast(0, 'a file descriptor is 0 or more'))

const keys = either([text(), list(text())], 'expected a string with commas, or a list of strings')

/** What can be said about how lines are enriched. */
export const lineEntries = {
  /** Text for people, or JSON lines. Default: 'pretty'; before another stage of a pipeline 'json'. */
  output: optional(oneOf('pretty', 'json')),
  /** Where markers go: before the message, in a field of their own, nowhere. Default: 'message' in text, 'field' in JSON. */
  markers: optional(oneOf('message', 'field', 'none')),
  /** `[📥][✅] text` or `📥 ✅ text`. Default: 'brackets'. */
  markerStyle: optional(oneOf('brackets', 'plain')),
  /** The name of that field; a record that has it as a list of strings counts as enriched. Default: 'markers'. */
  markersField: optional(nonEmpty('the name of the field')),
  /** The keys for the markers, always in brackets: `[get][2xx] text`. Default: false. */
  ascii: optional(boolean()),
  /** Add the fields that the sets give to a value. Default: false in text, true in JSON. */
  metadata: optional(boolean()),
  /** Lines below this level are left out; a line without a level stays. */
  minimumLevel: optional(either([text(), number()], 'expected the name or the number of a level')),
  /** Pino's option `nestedKey`: fields below it count as if they stood at the top. */
  nestedKey: optional(text()),
  /** Pino's option `errorKey`: log keys that begin with `err.` are looked for below it. Default: the logger's, or 'err'. */
  errorKey: optional(text()),
  /** A longer line passes through as it is. Default: 1048576. */
  maxLineBytes: optional(wholeNumber('the limit', atLeast(1024, 'the limit is at least 1024 bytes'))),
}

/** What can be said about how text looks: pino-pretty's options, as far as they are data. */
export const prettyEntries = {
  /** Colour. Default: decided by FORCE_COLOR, NO_COLOR, TERM and whether the destination is a terminal. */
  colorize: optional(boolean()),
  /** Colour in objects too. Default: true. */
  colorizeObjects: optional(boolean()),
  /** End lines with CR LF. Default: false. */
  crlf: optional(boolean()),
  /** Colours of levels: `'info:blue,error:red'`. */
  customColors: optional(
    either([text(), table(text())], 'expected a string such as "err:red,info:blue", or an object'),
  ),
  /** Further levels: `'audit:35'` or `{ audit: 35 }`. Default: the logger's. */
  customLevels: optional(
    either([text(), table(number())], 'expected a string such as "err:99,info:1", or an object'),
  ),
  /** Keys that hold errors. Default: ['err', 'error'] and errorKey. */
  errorLikeObjectKeys: optional(keys),
  /** Properties of an error to show below its stack. */
  errorProps: optional(keys),
  /** Only the message line, no fields. Default: false. */
  hideObject: optional(boolean()),
  /** Keys to leave out, separated by commas. Default: 'hostname'. */
  ignore: optional(text()),
  /** The only keys to show, separated by commas. Default: all. */
  include: optional(text()),
  /** The level before the time. Default: false. */
  levelFirst: optional(boolean()),
  /** The key of the level. Default: 'level'. */
  levelKey: optional(text()),
  /** What stands for the level in `messageFormat`. Default: 'levelLabel'. */
  levelLabel: optional(text()),
  /** A template for the message, with fields in braces: `'{msg} for {user.name}'`; in the stream also a function. Default: false. */
  messageFormat: optional(
    either([text(), exactly(false)], 'expected a template such as "{levelLabel} - {msg}"'),
  ),
  /** The key of the message. Default: the logger's, or 'msg'. */
  messageKey: optional(text()),
  /** The fields behind the message, in one line. Default: false. */
  singleLine: optional(boolean()),
  /** The key of the time. Default: 'time'. */
  timestampKey: optional(text()),
  /** The time in words: `false` for the number as it is, or a format such as `'SYS:HH:MM:ss.l'`. Default: true. */
  translateTime: optional(either([boolean(), text()], 'expected true, false, or a time format')),
  /** Custom levels and colours take the place of the standard ones instead of joining them. Default: true. */
  useOnlyCustomProps: optional(boolean()),
}

/** What can be said about where lines go. */
export const destinationEntries = {
  /** Where lines go; a URL is a stream on a server; a pipeline stage that is not the last has none. Default: 1, standard output. */
  destination: optional(either([fd, nonEmpty('the path')], 'expected a file descriptor, a path or a URL')),
  /** Keep what the file holds. Default: true. */
  append: optional(boolean()),
  /** Make the directories of the path. Default: false. */
  mkdir: optional(boolean()),
  /** In the stream: write before the log call returns; the transport writes synchronously in its worker, whatever this says. Default: true. */
  sync: optional(boolean()),
  /** With a URL: how many bytes of lines wait in memory for the server, about. Default: 16777216. */
  maxBufferBytes: optional(wholeNumber('the limit', atLeast(65_536, 'the limit is at least 65536 bytes'))),
  /** With a URL: what becomes of lines that find no room there. Default: 'spill' where there is a `spillPath`, otherwise 'drop'. */
  onFull: optional(oneOf('block', 'drop', 'spill')),
  /** With a URL and 'spill': the file that such lines go to, until there is room again. */
  spillPath: optional(nonEmpty('the path')),
  /** How many bytes go there at most. Default: 1073741824. */
  maxSpillBytes: optional(wholeNumber('the limit', atLeast(65_536, 'the limit is at least 65536 bytes'))),
  /** With a URL: how many lines the stream keeps, about. Default: all. */
  maxLen: optional(wholeNumber('the length', atLeast(1, 'the length is at least 1'))),
  /** With a URL: how long the end of the process waits for the server, in milliseconds; pino gives up after 10000. Default: 5000. */
  closeTimeoutMs: optional(
    wholeNumber(
      'the time',
      atLeast(0, 'the time is from 0 to 9000 milliseconds'),
      atMost(9000, 'the time is from 0 to 9000 milliseconds'),
    ),
  ),
}
