/**
 * Whether a destination is a URL, and not the path of a file. What is nearly one is none of a file either: as a path it
 * would be in messages, with the password in it.
 */
export function isUrl(destination: unknown): destination is string {
  return (
    typeof destination === 'string' &&
    (/^\s*[a-z][a-z0-9+.-]*:\/\//i.test(destination) || MISTYPED.test(destination))
  )
}

/** A slash too few, or another sign in place of the colon. */
const MISTYPED = /^\s*rediss?(?:[:;]|\/\/).*@/is
