/** Spreads events over streams by their key, or by their name where they have none: every process in the same way. */
export function byKey(streams) {
  return ({ key, name }) => {
    let sum = 0
    for (const character of key ?? name) sum = (sum * 31 + character.charCodeAt(0)) % 9973
    return streams[sum % streams.length]
  }
}
