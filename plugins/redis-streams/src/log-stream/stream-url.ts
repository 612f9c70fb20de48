import { EventsetsError } from 'eventsets'

/** Where a stream of log lines is. */
export interface StreamPlace {
  /** The server and its database, as ioredis takes it: with user and password. */
  readonly serverUrl: string
  /** The same without them: what is equal is the same place. */
  readonly server: string
  /** The key of the stream. */
  readonly key: string
  /** What decides over its slot in a cluster. Keys that begin with `{tag}:` are in the same one. */
  readonly tag: string
}

/**
 * Reads `redis://user:password@host:6379/2/logs`: the last part of the path is the name of the stream, and a number before
 * it is the database, 0 unless given. In the name, a slash is written as `%2F`.
 *
 * @throws EventsetsError that says all that is wrong, without user and password.
 */
export function readStreamUrl(url: string): StreamPlace {
  const parsed = parse(url)
  const { protocol, hostname, port, pathname, search, hash, username, password } = parsed
  const parts = pathname.split('/').slice(1)
  const [database = '0', name = ''] = parts.length > 1 ? parts : ['0', ...parts]
  const key = decode(name) ?? ''
  const tag = tagOf(key)
  const problems: string[] = []
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    problems.push('it does not begin with redis:// or rediss://')
  if (hostname === '') problems.push('it has no host')
  if (decode(username) === undefined || decode(password) === undefined)
    problems.push('in a user and a password, a percent sign is written as %25')
  if (search !== '' || hash !== '')
    problems.push(
      'nothing can stand behind a question mark or a number sign; in a password they are %3F and %23',
    )
  if (pathname.includes('@'))
    problems.push('in a name, the sign @ is written as %40, and in a password, a slash as %2F')
  else if (parts.length > 2)
    problems.push('its path has more than two parts; in a name, a slash is written as %2F')
  else if (name === '') problems.push('it has no name of a stream at its end')
  else if (!/^\d{1,5}$/.test(database))
    problems.push('what stands before the name is no number of a database')
  else if (parts.length === 1 && /^\d+$/.test(name))
    problems.push('a number alone is taken for a database, and the name of the stream is missing behind it')
  else if (!NAME.test(key)) problems.push('a name has no control characters, and 200 characters at most')
  else if (tag === undefined) problems.push('a name has braces only around one hash tag, as in {shop}logs')
  if (problems.length > 0 || tag === undefined) throw wrong(describe(parsed), problems)
  parsed.pathname = `/${Number(database)}`
  const server = `${protocol}//${hostname}:${port || '6379'}/${Number(database)}`
  return { serverUrl: parsed.href, server, key, tag }
}

const NAME = /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u

function parse(url: string): URL {
  try {
    return new URL(url)
  } catch {
    // What the platform says has the whole text in it, with the password.
    const escapes = 'in a user and a password, the signs @ : / ? # are written as %40 %3A %2F %3F %23'
    throw wrong('its URL', [`that cannot be read; ${escapes}`])
  }
}

/** What stands in the first braces, or everything. Nothing where that would not be clear. */
function tagOf(key: string): string | undefined {
  const [, tag] = /^[^{}]*\{([^{}]+)\}[^{}]*$/.exec(key) ?? []
  return tag ?? (/[{}]/.test(key) ? undefined : key)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function describe({ protocol, host, pathname, search, hash }: URL): string {
  // A password that is not escaped may have ended too early, and its rest stands where the path should.
  return `${pathname}${search}${hash}`.includes('@') ? 'its URL' : `${protocol}//${host}${pathname}`
}

function wrong(what: string, problems: readonly string[]): EventsetsError {
  const hint = 'Write redis://user:password@host:6379/logs, or .../2/logs for database 2.'
  return new EventsetsError(`No stream of log lines is found by ${what}: ${problems.join('; ')}. ${hint}`, {
    code: 'EVENTSETS_LOG_STREAM',
    hint,
  })
}
