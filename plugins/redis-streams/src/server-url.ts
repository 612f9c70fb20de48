/** What may stand behind the question mark. */
const KNOWN_KEYS: readonly string[] = ['db', 'family']

/**
 * All that is wrong with the URL of a server, `redis://user:password@host:6379/0`, without anything of what is secret
 * in it. The client would take what is no number for one, and fail where nobody can catch it.
 *
 * @param nameOption The option that names what a name at the end of the URL is taken for.
 */
export function problemsOfUrl(url: string, nameOption: string): string[] {
  if (!/^rediss?:\/\//.test(url)) return ['it does not begin with redis:// or rediss://']
  if (!URL.canParse(url))
    return [
      'it cannot be read; in a user and a password, the signs @ : / ? # are written as %40 %3A %2F %3F %23',
    ]
  const { hostname, pathname, searchParams, hash, username, password } = new URL(url)
  const problems: string[] = []
  const database = pathname.slice(1)
  if (hostname === '') problems.push('it has no host')
  if (!canDecode(username) || !canDecode(password))
    problems.push('in a user and a password, a percent sign is written as %25')
  if (database !== '' && !isNumber(database))
    problems.push(
      `behind the host stands at most the number of a database; ${JSON.stringify(nameOption)} is an option, and a URL with a name is for log lines`,
    )
  for (const [key, value] of searchParams) {
    if (!KNOWN_KEYS.includes(key))
      problems.push(
        'behind a question mark only "db" and "family" are known; give a "client" for other settings',
      )
    else if (!isNumber(value)) problems.push(`its "${key}" is no whole number`)
  }
  if (database !== '' && searchParams.has('db')) problems.push('it names a database twice')
  if (hash !== '') problems.push('nothing stands behind a number sign; in a password it is %23')
  return [...new Set(problems)]
}

function isNumber(text: string): boolean {
  return /^\d{1,5}$/.test(text)
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
