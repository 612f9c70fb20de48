import {
  type CliOption,
  flagName,
  initOptions,
  lintOptions,
  listOptions,
  setOptions,
  streamOptions,
  viewOptions,
} from './option.ts'

/** The values of options by their names in camel case, as commander gives them too. */
export type Flags = { readonly [flag: string]: unknown }

export interface Arguments {
  /** The first argument that is no option, where it is the name of a command. */
  readonly command: string | undefined
  /** The other arguments that are no options. */
  readonly operands: readonly string[]
  readonly flags: Flags
  /** Whether this is `eventsets [file...]` and nothing about it is in doubt. */
  readonly isView: boolean
  /** The same arguments in the one order and spelling that commander has to know. */
  readonly canonical: readonly string[]
}

/** What the command can be told to do besides showing a log. */
export const COMMANDS: readonly string[] = ['list', 'show', 'lint', 'init', 'worker', 'help']

const byName = new Map<string, CliOption>()
const byShort = new Map<string, CliOption>()
// Options that the commands have too are spelt the same there, so the view's come last and count.
for (const option of [
  ...initOptions,
  ...lintOptions,
  ...listOptions,
  ...setOptions,
  ...streamOptions,
  ...viewOptions,
]) {
  for (const name of [option.name, ...(option.synonyms ?? [])]) byName.set(name, option)
  if (option.short !== undefined) byShort.set(option.short, option)
}
const ofView: ReadonlySet<CliOption> = new Set(viewOptions)

/**
 * Reads a command line in all the spellings there are: `--single-line`, pino-pretty's `--singleLine`, `-S`, `-Sl`,
 * `-L warn`, `-Lwarn`, `--minimum-level=warn`; options before and after files and commands.
 *
 * What it does not understand stays in `canonical` as it is, for commander to complain about. Commander is loaded
 * for that only, and for the commands: viewing a log should not wait for it.
 */
export function readArguments(argv: readonly string[]): Arguments {
  const operands: string[] = []
  const options: string[] = []
  const flags: Record<string, unknown> = { set: [] }
  const rest = [...argv]
  let isUnderstood = true
  let isCut = false
  let isCommandPossible = true

  const leaveToCommander = (argument: string) => {
    options.push(argument)
    isUnderstood = false
  }
  const give = (option: CliOption, value: string | boolean) => {
    if (!ofView.has(option)) isUnderstood = false
    if (typeof value === 'string' && option.choices?.includes(value) === false) isUnderstood = false
    const flag = flagName(option)
    flags[flag] = option.isRepeatable ? [...((flags[flag] as unknown[]) ?? []), value] : value
    if (typeof value === 'string') options.push(`--${option.name}=${value}`)
    else options.push(value ? `--${option.name}` : `--no-${option.name}`)
  }
  /** An option with what stands after it, in the same argument or as the next one. */
  const take = (option: CliOption, attached: string | undefined) => {
    if (attached !== undefined) give(option, attached)
    else if (option.takes) give(option, option.takes(rest[0] ?? '') ? (rest.shift() ?? '') : true)
    else if (rest.length > 0) give(option, rest.shift() ?? '')
    else {
      isCut = true
      leaveToCommander(`--${option.name}`)
    }
  }

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      isCommandPossible = operands.length > 0
      operands.push(...rest.splice(0))
    } else if (argument.startsWith('--')) readLong(argument)
    else if (argument.startsWith('-') && argument !== '-') readShort(argument.slice(1))
    else operands.push(argument)
  }

  function readLong(argument: string): void {
    const equals = argument.indexOf('=')
    const spelt = argument.slice(2, equals === -1 ? undefined : equals)
    const attached = equals === -1 ? undefined : argument.slice(equals + 1)
    const name = spelt.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const option = byName.get(name)
    const negated = name.startsWith('no-') ? byName.get(name.slice(3)) : undefined
    if (option?.value !== undefined) take(option, attached)
    else if (option && attached === undefined) give(option, true)
    else if (option && attached === 'true') give(option, true)
    else if (option && attached === 'false') {
      // A switch without a negation is off unless it is given.
      if (option.negation !== undefined) give(option, false)
    } else if (negated?.negation !== undefined && attached === undefined) give(negated, false)
    else leaveToCommander(argument)
  }

  /** A letter, several, or one with its value: `-S`, `-Sl`, `-Lwarn`. */
  function readShort(letters: string): void {
    const [letter = '', ...others] = letters
    const option = byShort.get(letter)
    const attached = others.length === 0 ? undefined : others.join('')
    if (option?.value !== undefined) {
      // Of `-tS` the S is another switch: pino-pretty reads it so, and no format is that short.
      const isCluster = option.takes !== undefined && attached !== undefined && isSwitches(attached)
      if (!isCluster) {
        take(option, attached)
        return
      }
      give(option, true)
    } else if (option) give(option, true)
    else leaveToCommander(`-${letter}`)
    if (attached !== undefined) readShort(attached)
  }

  // After "--" there are only files, whatever they are called.
  const command = isCommandPossible && COMMANDS.includes(operands[0] ?? '') ? operands.shift() : undefined
  return {
    command,
    operands,
    flags,
    isView: isUnderstood && command === undefined,
    canonical:
      command === 'help'
        ? [command, ...operands]
        : [
            ...(command === undefined ? [] : [command]),
            ...options,
            // An option whose value is missing must stand last, or commander would take the dashes for it.
            ...(isCut || operands.length === 0 ? [] : ['--', ...operands]),
          ],
  }
}

function isSwitches(letters: string): boolean {
  return [...letters].every((letter) => byShort.has(letter) && byShort.get(letter)?.value === undefined)
}
