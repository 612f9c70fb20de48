import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { isUrl } from '../log-stream/is-url.ts'
import { describeUrl } from '../log-stream/stream-url.ts'
import type { Flags } from './arguments.ts'

/** What `eventsets worker` is told to do. */
export interface WorkerSettings {
  /** With the name of the stream. */
  readonly from: string
  /** A stream, as a URL; a file; or `-` for standard output. */
  readonly to: string
  readonly output: 'json' | 'pretty'
  readonly group: string
  readonly consumer: string | undefined
  readonly newGroups: 'beginning' | 'now' | undefined
  readonly batch: number | undefined
  readonly claimIdleMs: number | undefined
  readonly maxLen: number | undefined
  /** It ends when nothing has come for so long. */
  readonly idleExitMs: number | undefined
  readonly isVerbose: boolean
}

export interface WorkerFlags {
  readonly settings: WorkerSettings
  /** What is left says how lines look. */
  readonly viewFlags: Flags
}

/**
 * @param isTerminal Whether standard output is one.
 * @throws ValidationError naming every flag that is missing or makes no sense.
 */
export function readWorkerFlags(flags: Flags, isTerminal: boolean): WorkerFlags {
  const issues: Issue[] = []
  const {
    from,
    stream,
    to = '-',
    group,
    consumer,
    newGroups,
    output,
    json,
    verbose,
    follow,
    ...others
  } = flags
  const { batch, claimIdleMs, maxLen, idleExitMs, ...viewFlags } = others
  const report = (flag: string, message: string, code: Issue['code'] = 'format') =>
    void issues.push({ path: flag, code, message })

  const source = readSource(from, stream, report)
  if (group === undefined)
    report('--group', 'expected the name of those who share the work, such as "enrich"', 'missing')
  else if (group === '') report('--group', 'must not be empty')
  const target = to as string
  if (target === '') report('--to', 'expected a stream such as "redis://host:6379/new", a file, or "-"')
  if (source !== undefined && isUrl(target) && isSamePlace(source, target))
    report('--to', 'is the stream that is read: it would never end')
  if (follow !== undefined)
    report('--follow', 'is for files: a worker goes on until a signal ends it', 'unknown_key')
  const counts = {
    batch: readCount('--batch', batch, report),
    claimIdleMs: readCount('--claim-idle-ms', claimIdleMs, report),
    maxLen: readCount('--max-len', maxLen, report),
    idleExitMs: readCount('--idle-exit-ms', idleExitMs, report),
  }
  if (maxLen !== undefined && !isUrl(target)) report('--max-len', 'is for a stream that --to names')
  const asked = json === true ? 'json' : output
  if (json === true && output === 'pretty') report('--json', 'contradicts "--output pretty"')
  if (asked === 'pretty' && isUrl(target)) report('--output', 'a stream takes JSON only')

  if (source === undefined || issues.length > 0)
    throw new ValidationError('the command line is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  const isForPeople = target === '-' && isTerminal
  return {
    viewFlags,
    settings: {
      from: source,
      to: target,
      output: (asked as WorkerSettings['output'] | undefined) ?? (isForPeople ? 'pretty' : 'json'),
      group: group as string,
      consumer: consumer as string | undefined,
      newGroups: newGroups as WorkerSettings['newGroups'],
      ...counts,
      isVerbose: verbose === true,
    },
  }
}

/**
 * Whether a target was perhaps meant as the stream of that name on the same server: it is a file in the working directory,
 * and looks like none.
 */
export function mayBeMeantAsStream(target: string): boolean {
  return target !== '-' && /^[^./\\]+$/.test(target)
}

/** What is wrong with options that were given as flags, by the names of the flags. */
export function nameFlags(error: unknown): unknown {
  if (!(error instanceof ValidationError)) return error
  const issues = error.issues.map((issue) => ({ ...issue, path: `--${kebabCase(issue.path)}` }))
  return new ValidationError('the command line is', issues, {
    code: 'EVENTSETS_INVALID_OPTIONS',
    cause: error,
  })
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

type ReportFlag = (flag: string, message: string, code?: Issue['code']) => void

/** The URL with the name of the stream as the last part of its path. Nothing of it is repeated: it may hold a password. */
function readSource(from: unknown, stream: unknown, report: ReportFlag): string | undefined {
  if (from === undefined) {
    report('--from', 'expected where the lines are, such as "redis://host:6379/logs"', 'missing')
    return undefined
  }
  if (!isUrl(from)) {
    report('--from', 'expected a URL such as "redis://host:6379/logs"')
    return undefined
  }
  if (stream === undefined) return from
  if (stream === '') {
    report('--stream', 'must not be empty')
    return undefined
  }
  const url = URL.canParse(from) ? new URL(from) : undefined
  // What is wrong with it, the driver says.
  if (!url) return from
  const parts = url.pathname.split('/').filter((part) => part !== '')
  const named = parts.length > 1 || !/^\d*$/.test(parts[0] ?? '') ? parts.at(-1) : undefined
  const encoded = encodeURIComponent(stream as string)
  if (named === undefined) {
    url.pathname = `/${[...parts, encoded].join('/')}`
    return url.href
  }
  if (decode(named) === stream) return from
  report('--stream', 'the URL of --from names another one')
  return undefined
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function isSamePlace(one: string, other: string): boolean {
  return normalise(one) === normalise(other)
}

/** Without the user, escaped alike, with the port and the number of the database that are meant when there are none. */
function normalise(url: string): string {
  const { protocol, host, pathname } = new URL(URL.canParse(url) ? describeUrl(url) : 'redis://?')
  const parts = pathname.split('/').slice(1)
  const [database = '0', name = ''] = parts.length > 1 ? parts : ['0', ...parts]
  const path = `${Number(database)}/${encodeURIComponent(decode(name) ?? name)}`
  const server = (decode(host) ?? host).toLowerCase()
  return `${protocol}//${/:\d+$/.test(server) ? server : `${server}:6379`}/${path}`
}

function readCount(flag: string, value: unknown, report: ReportFlag): number | undefined {
  if (value === undefined) return undefined
  if (/^[1-9]\d{0,14}$/.test(`${value}`)) return Number(value)
  report(flag, `expected a whole number, 1 or more, not ${JSON.stringify(value)}`)
  return undefined
}
