/** A text of somebody else, in which nothing acts on a terminal: what cannot be seen is written as an escape. */
export function toSafeText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) as number
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same in quotes. */
export function quote(text: string): string {
  return toSafeText(JSON.stringify(text))
}
