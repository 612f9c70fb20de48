import { stripControlCharacters } from './control-characters.ts'
import { type AnyRecord, compileFieldReader, type Filter } from './filter.ts'
import type { PrettifierExtras, ResolvedOptions } from './options.ts'
import { getPaints } from './paint.ts'

/** Who wrote the record: `(name/pid on hostname) <caller>`, as far as it says so; otherwise empty. */
export function compileMetadata(
  { customPrettifiers, colorize }: ResolvedOptions,
  filter: Filter,
): (record: AnyRecord) => string {
  const extras = { colors: getPaints(colorize) } as PrettifierExtras
  const [readName, readPid, readHostname, readCaller] = KEYS.map((key) =>
    compileFieldReader(key, filter),
  ) as [ReadField, ReadField, ReadField, ReadField]
  const write = (key: string, value: unknown, record: AnyRecord): string => {
    const prettify = customPrettifiers[key]
    return prettify ? String(prettify(value, key, record, extras)) : stripControlCharacters(value)
  }
  const writeMetadata = (record: AnyRecord): string => {
    const name = readName(record)
    const pid = readPid(record)
    const hostname = readHostname(record)
    const caller = readCaller(record)
    let text = ''
    if (name || pid || hostname) {
      text += '('
      if (name) text += write('name', name, record)
      if (pid) text += (name ? '/' : '') + write('pid', pid, record)
      if (hostname) text += `${text === '(' ? 'on' : ' on'} ${write('hostname', hostname, record)}`
      text += ')'
    }
    if (caller) text += `${text === '' ? '' : ' '}<${write('caller', caller, record)}>`
    return text
  }
  if (KEYS.some((key) => customPrettifiers[key])) return writeMetadata

  // One process writes a log, or a few: mostly the metadata of a record is that of the one before.
  let before: readonly unknown[] = []
  let text = ''
  return (record) => {
    const [name, pid, hostname, caller] = before
    if (
      name !== readName(record) ||
      pid !== readPid(record) ||
      hostname !== readHostname(record) ||
      caller !== readCaller(record) ||
      before.length === 0
    ) {
      text = writeMetadata(record)
      const read = [readName(record), readPid(record), readHostname(record), readCaller(record)]
      before = read.some((value) => typeof value === 'object' && value !== null) ? [] : read
    }
    return text
  }
}

const KEYS = ['name', 'pid', 'hostname', 'caller']

type ReadField = (record: AnyRecord) => unknown
