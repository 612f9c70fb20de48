/**
 * Whether a text matches a glob: `*` is any run of characters, `?` exactly one, everything else itself.
 * Upper and lower case are the same, as in value lookup.
 *
 * Written by hand rather than as a regular expression because globs come from plugins and texts from logs:
 * the two-pointer walk needs at most pattern × text steps, where a regular expression with many `*` can hang.
 * `pattern` must be lower-case already; `text` too.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    const c = pattern.charCodeAt(p)
    if (p < pattern.length && c === ASTERISK) {
      star = p++
      resume = t
    } else if (p < pattern.length && (c === QUESTION_MARK || c === text.charCodeAt(t))) {
      p++
      t++
    } else if (star !== -1) {
      p = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (pattern.charCodeAt(p) === ASTERISK) p++
  return p === pattern.length
}

const ASTERISK = 42
const QUESTION_MARK = 63
