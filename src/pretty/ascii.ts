/** `EVENTSETS_ASCII=1` says once and for all that a terminal has no emoji. */
export function isAsciiAsked({
  EVENTSETS_ASCII: asked = '',
}: {
  readonly [name: string]: string | undefined
}): boolean {
  return asked !== '' && asked !== '0' && asked !== 'false'
}
