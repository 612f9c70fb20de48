interface Environment {
  readonly [name: string]: string | undefined
}

/** `EVENTSETS_NO_DISCOVERY=1`: no plugins are looked for. */
export function isDiscoveryOff({ EVENTSETS_NO_DISCOVERY: off = '' }: Environment): boolean {
  return !isNo(off)
}

/** `EVENTSETS_CONFIG`: the configuration file to read; `0` or `false` for none. */
export function askedConfiguration({ EVENTSETS_CONFIG: path = '' }: Environment): string | false | undefined {
  if (path === '') return undefined
  return isNo(path) ? false : path
}

function isNo(value: string): boolean {
  return value === '' || value === '0' || value === 'false'
}
