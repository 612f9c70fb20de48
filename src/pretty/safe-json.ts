/** A value as JSON. What could act on a terminal is written as an escape, which leaves the value as it is. */
export function toSafeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (character) =>
    // By code unit: characters beyond U+FFFF take two escapes.
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** DEL and C1 controls, all that is invisible or changes the direction of writing, line and paragraph separators. */
const UNSAFE = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu
