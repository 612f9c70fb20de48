/** What of a text would never be shown as it is, in words; `undefined` when there is nothing of the kind. */
export function findUnsafe(text: string): string | undefined {
  const [character] = UNSAFE.exec(text) ?? []
  if (character === undefined) return undefined
  const code = character.codePointAt(0) ?? 0
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return `the control character ${name}`
  if (/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(character))
    return `${name}, which changes the direction of writing`
  if (/\p{Surrogate}/u.test(character)) return `half a character, ${name}`
  return `the invisible character ${name}`
}

/**
 * Controls, line separators, and characters that show nothing. The joiners of scripts and emoji stay, and so does
 * the selector that makes an emoji of a sign.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u2800]|(?!\u200c|\u200d|\ufe0f|[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{Default_Ignorable_Code_Point}\p{Cf}]|\p{Surrogate}/u
