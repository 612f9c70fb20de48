/** A name as a message quotes it: it may be of any length, and hold anything. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)
}

/** `"a"`, `"a" and "b"`, `"a", "b" and 3 more`. */
export function quoteAll(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).map(quote)
  if (names.length > most) return `${shown.join(', ')} and ${names.length - most} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}
