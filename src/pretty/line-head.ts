import { splitPath } from './field-path.ts'
import { type AnyRecord, compileFieldReader, compileShownReader, type Filter } from './filter.ts'
import { type CustomLevels, compileLabels, parseCustomLevels } from './level-label.ts'
import { compileMetadata } from './metadata.ts'
import type { PrettifierExtras, ResolvedOptions } from './options.ts'
import { getPaints } from './paint.ts'
import type { Parts } from './parts.ts'
import { compileTime } from './time-text.ts'

/** All that stands before the message: `[12:00:00.000] INFO (1234):`. Empty where a record says nothing of it. */
export function compileHead(
  options: ResolvedOptions,
  parts: Parts,
  filter: Filter,
): (record: AnyRecord) => string {
  const { levelFirst } = options
  const writeLevel = compileRecordLevel(options, parts, filter)
  const writeMetadata = compileMetadata(options, filter)
  const writeTime = compileRecordTime(options, parts, filter)
  return (record) => {
    const level = writeLevel(record)
    const metadata = writeMetadata(record)
    const time = writeTime(record)
    let head = levelFirst ? join(level, time) : join(time, level)
    if (metadata !== '') head = head === '' ? metadata : `${head} ${metadata}:`
    return head === '' || head.endsWith(':') ? head : `${head}:`
  }
}

const join = (first: string | undefined, second: string | undefined): string =>
  first ? (second ? `${first} ${second}` : first) : second || ''

function compileRecordLevel(
  { colorize, customLevels, customPrettifiers, levelKey, useOnlyCustomProps }: ResolvedOptions,
  parts: Parts,
  filter: Filter,
): (record: AnyRecord) => string | undefined {
  const readLevel = compileShownReader(splitPath(levelKey), filter)
  const { level: prettify } = customPrettifiers
  if (!prettify)
    return (record) => {
      const level = readLevel(record)
      return level === undefined ? undefined : parts.level(level)
    }
  const findLabel = compileLabels(useOnlyCustomProps, parseCustomLevels(customLevels as CustomLevels))
  const colors = getPaints(colorize)
  return (record) => {
    const level = readLevel(record)
    if (level === undefined) return undefined
    const extras = { label: findLabel(level)[0], labelColorized: parts.level(level), colors }
    return prettify(level, levelKey, record, extras as PrettifierExtras)
  }
}

/** Bunyan's name for the time is known, too. */
const OTHER_TIMESTAMP_KEY = 'timestamp'

function compileRecordTime(
  { customPrettifiers, timestampKey, translateTime }: ResolvedOptions,
  parts: Parts,
  filter: Filter,
): (record: AnyRecord) => string | undefined {
  const keys = [timestampKey, OTHER_TIMESTAMP_KEY].filter((key) => !filter.ignored.has(key))
  const [first = '', second = first] = keys
  const readFirst = compileFieldReader(first, filter)
  const readSecond = compileFieldReader(second, filter)
  if (keys.length === 0) return () => undefined

  const { time: prettify } = customPrettifiers as { readonly time?: (time: unknown) => string }
  const translate = compileTime(translateTime)
  const write = prettify
    ? (value: unknown) => (value === null ? undefined : prettify(translate(value)))
    : parts.time
  return (record) => {
    if (first in record) return write(readFirst(record))
    return second in record ? write(readSecond(record)) : undefined
  }
}
