import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/arguments.ts'
import { type CliOption, flagName, setOptions, viewOptions } from '../../src/cli/option.ts'
import { createProgram } from '../../src/cli/program.ts'

const flagsOf = (...argv: string[]) => {
  const { flags, operands, command, isView } = readArguments(argv)
  const { set, ...others } = flags
  return { ...others, ...((set as string[]).length > 0 ? { set } : {}), operands, command, isView }
}
const view = { operands: [], command: undefined, isView: true }

describe('readArguments', () => {
  it('reads every spelling of an option', () => {
    for (const argv of [['--single-line'], ['--singleLine'], ['-S'], ['--single-line=true']])
      expect(flagsOf(...argv)).toEqual({ ...view, singleLine: true })
    for (const argv of [['-L', 'warn'], ['-Lwarn'], ['--minimumLevel', 'warn'], ['--minimum-level=warn']])
      expect(flagsOf(...argv)).toEqual({ ...view, minimumLevel: 'warn' })
  })

  it('takes options before and after files', () => {
    const expected = { ...view, operands: ['a.log', 'b.log'], follow: true, levelFirst: true }

    expect(flagsOf('-f', 'a.log', 'b.log', '-l')).toEqual(expected)
    expect(flagsOf('a.log', '-lf', 'b.log')).toEqual(expected)
  })

  it('takes a value that looks like an option, or has capitals and equals signs', () => {
    expect(flagsOf('-o', '--{levelLabel}')).toEqual({ ...view, messageFormat: '--{levelLabel}' })
    expect(flagsOf('--message-format=a=B=c')).toEqual({ ...view, messageFormat: 'a=B=c' })
    expect(flagsOf('-m', '')).toEqual({ ...view, messageKey: '' })
  })

  it('takes what is no time for a file', () => {
    for (const file of ['app.log', 'logs', './HH.log', 'out/app.ndjson', '2024-01-01.log', '1'])
      expect(flagsOf('-t', file)).toEqual({ ...view, translateTime: true, operands: [file] })
  })

  it('takes what is a time for a format', () => {
    for (const format of [
      'SYS:standard',
      'sys:HH:MM',
      'UTC:anything',
      'HH:MM:ss.l',
      'yyyy-mm-dd',
      'isoDateTime',
      'false',
      "HH 'uhr'",
    ])
      expect(flagsOf('-t', format)).toEqual({ ...view, translateTime: format })
  })

  it('takes only true and false for a switch that may have a value', () => {
    expect(flagsOf('-U', 'false')).toEqual({ ...view, useOnlyCustomProps: 'false' })
    expect(flagsOf('-U', 'app.log')).toEqual({ ...view, useOnlyCustomProps: true, operands: ['app.log'] })
  })

  it('drops a switch that is off', () => {
    expect(flagsOf('--single-line=false', '--crlf=false')).toEqual(view)
    expect(flagsOf('--metadata=false', '--colorize=false')).toEqual({
      ...view,
      metadata: false,
      color: false,
    })
  })

  it('gathers sets', () => {
    expect(flagsOf('--set', 'a.json', '--set=b.json')).toEqual({ ...view, set: ['a.json', 'b.json'] })
  })

  it('finds the command wherever it stands, and files after "--"', () => {
    expect(readArguments(['--json', 'list']).canonical).toEqual(['list', '--json'])
    expect(readArguments(['--set', 'x.json', 'show', 'http']).canonical).toEqual([
      'show',
      '--set=x.json',
      '--',
      'http',
    ])
    expect(flagsOf('--', 'list', '-f')).toEqual({ ...view, operands: ['list', '-f'] })
    expect(flagsOf('app.log', '--', 'list')).toEqual({ ...view, operands: ['app.log', 'list'] })
    expect(flagsOf('app.log', 'list').command).toBeUndefined()
  })

  it('leaves to commander what it does not know', () => {
    for (const argv of [
      ['--help'],
      ['-h'],
      ['-V', 'x'],
      ['--jsn'],
      ['-Sz'],
      ['-L'],
      ['--plain'],
      ['--markers', 'x'],
      ['--json=1'],
    ])
      expect(readArguments(argv).isView, argv.join(' ')).toBe(false)
  })
})

describe('the flags of a view', () => {
  it('are the same ones that commander would have read', async () => {
    const option = fc.constantFrom(...viewOptions).chain(spell)
    const operand = fc.constantFrom('a.log', './list', '-', 'b c.log', 'ü.log')

    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            option,
            operand.map((file) => [file]),
          ),
        ),
        async (parts) => {
          const argv = parts.flat()
          const { isView, flags, operands, canonical } = readArguments(argv)
          expect(isView).toBe(true)

          let byCommander: unknown
          const program = createProgram(() => {}).action((files: string[], options: object) => {
            byCommander = [{ set: [], ...options }, files]
          })
          await program.parseAsync(canonical, { from: 'user' })

          const ours = [{ colorizeObjects: true, discovery: true, ...flags }, operands]
          expect(byCommander).toEqual(ours)
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** An option in one of its spellings, with a value where it takes one. */
function spell(option: CliOption): fc.Arbitrary<string[]> {
  const { name, short, value, choices, takes, negation, isOnByDefault } = option
  const long: fc.Arbitrary<string> = fc.constantFrom(`--${name}`, `--${flagName(option)}`)
  if (value === undefined) {
    const positive: fc.Arbitrary<string[]>[] = isOnByDefault
      ? []
      : [fc.constant([`--${name}`]), long.map((flag) => [flag])]
    const letter: fc.Arbitrary<string[]>[] = short === undefined ? [] : [fc.constant([`-${short}`])]
    const negative: fc.Arbitrary<string[]>[] = negation === undefined ? [] : [fc.constant([`--no-${name}`])]
    return fc.oneof(...positive, ...letter, ...negative)
  }
  const text: fc.Arbitrary<string> = choices
    ? fc.constantFrom(...choices)
    : takes
      ? fc.constantFrom('true', 'false')
      : fc.oneof(fc.string(), fc.constantFrom('--json', '-S', '--', 'list', 'a=b'))
  return fc.oneof(
    fc.tuple(long, text).map(([flag, given]): string[] => [`${flag}=${given}`]),
    fc.tuple(long, text).map(([flag, given]): string[] => [flag, given]),
    ...(short === undefined ? [] : [text.map((given): string[] => [`-${short}`, given])]),
  )
}

describe('the table of options', () => {
  it('uses each name and each letter once', () => {
    for (const options of [viewOptions, setOptions]) {
      const names = options.flatMap(({ name, synonyms = [] }) => [name, ...synonyms])
      const letters = options.flatMap(({ short }) => (short === undefined ? [] : [short]))
      expect(new Set(names).size).toBe(names.length)
      expect(new Set(letters).size).toBe(letters.length)
    }
  })

  it('gives a name the same kind of value wherever it is an option', () => {
    for (const option of setOptions) {
      const same = viewOptions.find(({ name }) => name === option.name)
      if (same) expect([same.value, same.short]).toEqual([option.value, option.short])
    }
  })
})
