/**
 * Whether a text matches a glob: `*` is any run of characters, `?` exactly one, everything else itself.
 * Upper and lower case are the same, as in value lookup.
 *
 * Written by hand rather than as a regular expression because globs come from plugins and texts from logs: a regular
 * expression with many `*` can hang. What stands between two stars is looked for once, by the quick search that the
 * engine has for texts; only a part with `?` behind a star takes up to pattern × text steps.
 * `pattern` must be lower-case already; `text` too.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const firstStar = pattern.indexOf('*')
  if (firstStar === -1) return pattern.length === text.length && isAt(pattern, text, 0)
  const lastStar = pattern.lastIndexOf('*')
  const end = text.length - (pattern.length - lastStar - 1)
  if (end < firstStar || !isAt(pattern.slice(0, firstStar), text, 0)) return false
  if (!isAt(pattern.slice(lastStar + 1), text, end)) return false
  let at = firstStar
  for (let from = firstStar + 1; from <= lastStar; ) {
    const to = pattern.indexOf('*', from)
    const found = find(pattern.slice(from, to), text, at, end)
    if (found === -1) return false
    at = found + to - from
    from = to + 1
  }
  return true
}

/** The first place from `at` on where a part of a glob without stars matches, if it ends before `end`; otherwise -1. */
function find(part: string, text: string, at: number, end: number): number {
  const last = end - part.length
  if (!part.includes('?')) {
    const found = text.indexOf(part, at)
    return found <= last ? found : -1
  }
  for (let place = at; place <= last; place++) if (isAt(part, text, place)) return place
  return -1
}

/** Whether a part of a glob without stars matches at a place of a text that is long enough. */
function isAt(part: string, text: string, place: number): boolean {
  for (let index = 0; index < part.length; index++) {
    const code = part.charCodeAt(index)
    if (code !== QUESTION_MARK && code !== text.charCodeAt(place + index)) return false
  }
  return true
}

const QUESTION_MARK = 63
