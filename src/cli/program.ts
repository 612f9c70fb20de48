import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { NotFoundError } from '../core/errors.ts'
import { didYouMean, nearestNames } from '../core/nearest.ts'
import { oneLine } from '../discovery/origin.ts'
import { COMMANDS, type Flags } from './arguments.ts'
import { EXAMPLES } from './examples.ts'
import { ExitCode } from './exit-code.ts'
import { list } from './list.ts'
import {
  type CliOption,
  initOptions,
  lintOptions,
  listOptions,
  setOptions,
  viewOptions,
  workerOptions,
} from './option.ts'
import { print, printError } from './output.ts'
import { show } from './show.ts'
import { readVersion } from './version.ts'
import { view } from './view.ts'

/** Runs what is no plain view of a log: the commands, the help, and complaints about a command line. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.OK
  const program = createProgram((code) => {
    exitCode = code
  }, argv)
  const [first, second] = argv
  if (first === 'help' && second !== undefined && !COMMANDS.includes(second)) throw unknownCommand(second)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? ExitCode.OK : ExitCode.FAILURE
  }
}

function unknownCommand(name: string): NotFoundError {
  const nearest = nearestNames(name, COMMANDS)
  const help = didYouMean(name, COMMANDS) || `; there are ${COMMANDS.join(', ')}.`
  return new NotFoundError(`no command is called ${JSON.stringify(name)}${help}`, { missing: name, nearest })
}

export function createProgram(finish: (exitCode: number) => void, argv: readonly string[] = []): Command {
  const program = new Command('eventsets')
    .description('Shows what is happening in a Node service: log lines with markers.')
    .usage('[options] [file...]\n       eventsets <command>')
    .argument('[file...]', 'log files; "-" or nothing for standard input')
    .helpOption('-h, --help', 'show this help')
    .version(readVersion(), '-V, --version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command')
    .enablePositionalOptions()
    .showHelpAfterError('Run "eventsets --help" for what there is.')
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: printError,
      outputError: (text, write) => write(quoteSafely(text.replace(/^error: /, 'eventsets: '), argv)),
    })
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nA file that is called like a command: eventsets ./list')
    .action(async (files: string[], flags: Flags) => {
      finish(await view(files, flags))
    })
  addOptions(program, viewOptions)

  program
    .command('list')
    .description('list the event sets in force')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('Run "eventsets list --help" for what there is.')
    .addHelpText(
      'before',
      'Examples:\n  $ eventsets list\n  $ eventsets list --sources\n  $ eventsets list --json | jq ".sets[].name"\n',
    )
    .action(async (flags: Flags) => {
      finish(await list(flags))
    })
  program
    .command('show')
    .description('show what an event set maps, and its markers')
    .argument('<set>', 'the name of the set; "eventsets list" tells the names')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('Run "eventsets list" for the sets there are, "eventsets show --help" for more.')
    .addHelpText(
      'before',
      'Examples:\n  $ eventsets show http\n  $ eventsets show payment --set payment.json\n  $ eventsets show http --json | jq .set > my-http.json\n',
    )
    .action(async (name: string, flags: Flags) => {
      finish(await show(name, flags))
    })
  for (const command of program.commands)
    addOptions(command, command.name() === 'list' ? [...listOptions, ...setOptions] : setOptions)

  const lintCommand = program
    .command('lint')
    .description('check event sets, plugins, and everything in force')
    .argument('[target...]', 'set files, plugin folders, packed tarballs, names of installed packages')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('Run "eventsets lint --help" for more.')
    .addHelpText(
      'before',
      'Examples:\n  $ eventsets lint                      everything in force here\n  $ eventsets lint sets/payment.json    a set\n  $ eventsets lint .                    the plugin in this folder\n  $ eventsets lint acme-1.0.0.tgz       a packed plugin\n',
    )
    .action(async (targets: string[], flags: Flags) => {
      const { lint } = await import('./lint.ts')
      finish(await lint(targets, flags))
    })
  addOptions(lintCommand, lintOptions)

  const initCommand = program
    .command('init')
    .description('make a plugin: a package with an event set of your own')
    .argument('[dir]', 'the folder to make it in')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('Run "eventsets init --help" for more.')
    .addHelpText('before', 'Examples:\n  $ eventsets init eventsets-plugin-billing\n')
    .action(async (folder: string | undefined, flags: Flags) => {
      const { init } = await import('./init.ts')
      finish(await init(folder, flags))
    })
  addOptions(initCommand, initOptions)

  const workerCommand = program
    .command('worker')
    .description('enrich the lines of a stream, shared among workers')
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('Run "eventsets worker --help" for more.')
    .addHelpText(
      'before',
      'Examples:\n  $ eventsets worker --from redis://localhost/logs --group enrich\n  $ eventsets worker --from redis://localhost/logs --group enrich \\\n      --to redis://localhost/enriched --max-len 1000000\n',
    )
    .action(async (flags: Flags) => {
      const { work } = await import('./worker.ts')
      finish(await work(flags))
    })
  addOptions(workerCommand, workerOptions)
  // Known, so that the command can say why there is none, and commander does not propose another option.
  workerCommand.addOption(new Option('-f, --follow').hideHelp())
  return program
}

/** Commander repeats what it does not understand, and a line break in it would begin a line of its own. */
function quoteSafely(text: string, argv: readonly string[]): string {
  const isPlain = argv.every((argument) => oneLine(argument) === argument)
  return isPlain ? text : `${oneLine(text.trimEnd())}\n`
}

function addOptions(command: Command, options: readonly CliOption[]): void {
  for (const { name, short, value, choices, isRepeatable, negation, isOnByDefault, help, group } of options) {
    const add = (flags: string, description: string) => {
      const option = new Option(flags, description)
      if (group !== undefined) option.helpGroup(group)
      command.addOption(option)
      return option
    }
    if (!isOnByDefault) {
      const dashed = `${short === undefined ? '' : `-${short}, `}--${name}`
      const option = add(value === undefined ? dashed : `${dashed} ${value}`, help)
      if (choices) option.argParser((given: string) => checkChoice(given, choices))
      if (isRepeatable) option.argParser((next, previous) => [...((previous as string[]) ?? []), next])
    }
    if (negation !== undefined) add(`--no-${name}`, negation)
  }
  if (command.options.some(({ long }) => long === '--plain'))
    command.options.find(({ long }) => long === '--json')?.conflicts('plain')
}

/** Not commander's own `choices`, which repeats in the help what our words say already. */
function checkChoice(given: string, choices: readonly string[]): string {
  if (choices.includes(given)) return given
  throw new InvalidArgumentError(`Choose one of ${choices.join(', ')}${didYouMean(given, choices) || '.'}`)
}
