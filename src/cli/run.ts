import { Command, CommanderError, Option } from 'commander'
import { EventsetsError } from '../core/errors.ts'
import { ExitCode } from './exit-code.ts'
import { print, printError } from './output.ts'
import { readVersion } from './version.ts'

const EXAMPLES = `Examples:
  $ node app.js | eventsets                      show what the app logs, with markers
  $ eventsets app.log                            the same for a file; several files, or - for standard input
  $ eventsets -f app.log                         and go on as the file grows
  $ eventsets --json app.log > enriched.log      JSON lines with a field "markers"
  $ eventsets --minimum-level warn -S app.log    warnings and errors, one line each
  $ eventsets list                               the event sets in force
  $ eventsets show http                          what a set maps, and its markers
`

/** Runs the command with its arguments and gives its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.OK
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(argv.map(toKebabCase), { from: 'user' })
    return exitCode
  } catch (error) {
    return reportError(error, argv.includes('--debug'))
  }
}

function createProgram(finish: (exitCode: number) => void): Command {
  const program = new Command('eventsets')
    .description('Shows what is happening in a Node service: log lines with markers.')
    .usage('[options] [file...]\n       eventsets <command>')
    .helpOption('-h, --help', 'show this help')
    .version(readVersion(), '-V, --version', 'show the version')
    .enablePositionalOptions()
    .showHelpAfterError('Run "eventsets --help" for what there is.')
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: printError })
    .addHelpText('before', `${EXAMPLES}`)

  addViewOptions(program.argument('[file...]', 'log files; - or nothing for standard input'))
  program.action(async (files: string[], options: Record<string, unknown>) => {
    const { view } = await import('./view.ts')
    finish(await view(files, options, () => program.outputHelp({ error: true })))
  })

  const command = (name: string, summary: string) =>
    program
      .command(name)
      .description(summary)
      .helpOption('-h, --help', 'show this help')
      .addOption(new Option('--json', 'one JSON document').conflicts('plain'))
      .option('--plain', 'one item a line, columns separated by tabs')
      .option('--ascii', 'no emoji: markers as their keys')
      .option('--set <file>', 'an event set of your own, a JSON file; may be given several times', gather, [])
      .option('--color', 'colour, whatever the terminal')
      .option('--no-color', 'no colour')

  command('list', 'list the event sets in force')
    .addHelpText('before', 'Examples:\n  $ eventsets list\n  $ eventsets list --json | jq ".sets[].name"\n')
    .action(async (options) => {
      const { list } = await import('./list.ts')
      finish(await list(options))
    })
  command('show', 'show what an event set maps')
    .argument('<set>', 'the name of the set')
    .addHelpText(
      'before',
      'Examples:\n  $ eventsets show http\n  $ eventsets show payment --set ./payment.json\n',
    )
    .action(async (name: string, options) => {
      const { show } = await import('./show.ts')
      finish(await show(name, options))
    })
  return program
}

function addViewOptions(program: Command): void {
  program
    .option('--json', 'JSON lines instead of text: the original bytes, and the markers')
    .addOption(
      new Option('--markers <place>', 'where markers go (default: message in text, field in JSON)').choices([
        'message',
        'field',
        'none',
      ]),
    )
    .addOption(
      new Option('--marker-style <style>', '[📥][✅] text, or 📥 ✅ text').choices(['brackets', 'plain']),
    )
    .option('--markers-field <name>', 'the field that holds the markers (default: markers)')
    .option('--ascii', 'no emoji: markers as their keys, such as [2xx]')
    .option('--metadata', 'add the fields that the sets know about a value (default in JSON)')
    .option('--no-metadata', 'do not add them')
    .option('--set <file>', 'an event set of your own, a JSON file; may be given several times', gather, [])
    .option('-f, --follow', 'go on as the files grow')
    .option('-L, --minimum-level <level>', 'leave out what is below this level')
    .option('-c, --color', 'colour, whatever the terminal (--colorize is the same)')
    .option('--no-color', 'no colour')
    .option('-S, --single-line', 'one line a record')
    .option('-t, --translate-time [format]', 'how to show the time, as pino-pretty takes it', true)
    .option('-i, --ignore <keys>', 'keys to leave out, separated by commas (default: hostname)')
    .option('-I, --include <keys>', 'the only keys to show')
    .option('-H, --hide-object', 'no objects, only the message line')
    .option('-l, --level-first', 'the level before the time')
    .option('-o, --message-format <template>', 'the message line, such as "{levelLabel} - {msg}"')
    .option('-m, --message-key <key>', 'the key of the message (default: msg)')
    .option('--level-key <key>', 'the key of the level (default: level)')
    .option('-a, --timestamp-key <key>', 'the key of the time (default: time)')
    .option('--error-key <key>', 'the key of errors (default: err)')
    .option('--nested-key <key>', 'the key below which the logger puts its fields')
    .option('-b, --level-label <token>', 'the token of the level in --message-format (default: levelLabel)')
    .option('-x, --custom-levels <levels>', 'levels of the logger: "audit:35,trace2:11"')
    .option('-X, --custom-colors <colors>', 'colours of levels: "info:blue,error:red"')
    .option('-U, --use-only-custom-props [bool]', 'custom levels and colours replace the standard ones')
    .option('-k, --error-like-object-keys <keys>', 'keys that hold errors (default: err,error)')
    .option('-e, --error-props <keys>', 'properties of errors to show')
    .option('--no-colorize-objects', 'objects without colour')
    .option('--crlf', 'end lines with CR LF')
    .option('--debug', 'show the stack of an error')
}

function gather(value: string, previous: string[]): string[] {
  return [...previous, value]
}

/**
 * pino-pretty's long flags are in camel case (`--singleLine`), the custom is kebab case (`--single-line`): both
 * are taken. So is pino-pretty's name for `--color`.
 */
function toKebabCase(argument: string): string {
  if (!argument.startsWith('--')) return argument
  const [flag = '', ...value] = argument.split('=')
  const kebab = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const named = kebab === '--colorize' ? '--color' : kebab === '--no-colorize' ? '--no-color' : kebab
  return [named, ...value].join('=')
}

function reportError(error: unknown, isDebugging: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.FAILURE
  if (error instanceof EventsetsError) {
    const hint = error.hint !== undefined && !error.message.includes(error.hint) ? `\n${error.hint}` : ''
    printError(`eventsets: ${error.message}${hint}\n`)
    if (isDebugging) printError(`${error.stack}\n`)
    return ExitCode.FAILURE
  }
  // Unknown: a defect of ours, and the stack is what a report needs.
  printError(`${error instanceof Error ? error.stack : String(error)}\n`)
  return ExitCode.FAILURE
}
