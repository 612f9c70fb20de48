/** What comes before the colon, in small letters. */
export function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':')).toLowerCase()
}

/** A URL for people to read: without user, password, and what stands behind a question mark. */
export function describeUrl(url: string): string {
  try {
    const { protocol, host, pathname, search, hash } = new URL(url)
    // A password that is not escaped may have ended before its end: what looks like a host is a part of it then.
    if (!`${pathname}${search}${hash}`.includes('@')) return `${protocol}//${host}${pathname}`
  } catch {
    // Nobody knows where in it a password stands.
  }
  return `${schemeOf(url)}://…`
}
