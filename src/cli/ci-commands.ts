/**
 * CI systems read what a step writes and take some of it for commands: `##vso[task.setvariable]` and `##[error]`
 * anywhere in a line, `##teamcity[…]`, and `::set-output name=x::` at the beginning of one. What eventsets shows may
 * have been written by anybody, so a space goes into such a text.
 */
export function disarmCommands(text: string): string {
  return disarmAnywhere(text).replace(AT_START, '$1: ')
}

/** The same for a part of a line that does not begin it. */
export function disarmAnywhere(text: string): string {
  return text.replace(ANYWHERE, '# #')
}

/** The same for a document of JSON, which stays the same document. Only texts in it have such signs. */
export function disarmJson(json: string): string {
  return json.replace(ANYWHERE, '\\u0023#')
}

const ANYWHERE = /##(?=[a-z]{0,20}\[)/gi

/** Two colons, a word, two colons. The address `::1` is none. White space before it does not count. */
const AT_START = /^([^\S\n]*):(?=:[^\n]*::)/gm
