/** Whether a destination is a URL, and not the path of a file. */
export function isUrl(destination: unknown): destination is string {
  return typeof destination === 'string' && /^[a-z][a-z0-9+.-]*:\/\//i.test(destination)
}
