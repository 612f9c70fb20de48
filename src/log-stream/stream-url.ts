/** What comes before the colon, or what is there in its place, in small letters. */
export function schemeOf(url: string): string {
  return /^\s*([a-z][a-z0-9+.-]*)/i.exec(url)?.[1]?.toLowerCase() ?? ''
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
