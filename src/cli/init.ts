import { basename, relative, resolve } from 'node:path'
import { ValidationError } from '../core/errors.ts'
import type { Issue } from '../core/issue.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { toSafeText } from '../pretty/safe-text.ts'
import { ExitCode } from './exit-code.ts'
import { type Answers, questions } from './init/answers.ts'
import { doubtLicense } from './init/known-licenses.ts'
import { ALWAYS, KEPT, pluginFiles } from './init/plugin-files.ts'
import { quoteForShell } from './init/quote-for-shell.ts'
import { findExisting, type NewFile, refuseExisting, writeFiles } from './init/write-files.ts'
import { print, printError } from './output.ts'
import { formatTable } from './table.ts'
import { terminalStyle } from './terminal.ts'
import { readVersion } from './version.ts'
import { requireWorkingDirectory } from './working-directory.ts'

export interface InitFlags extends Partial<Answers> {
  readonly yes?: boolean
  readonly json?: boolean
  readonly color?: boolean
}

/**
 * `eventsets init [dir]`: makes the package of a plugin, with a set to begin with. Asks in a terminal, and never
 * overwrites anything: what a repository begins with is kept, and the rest refused.
 *
 * @throws ValidationError naming every option that will not do.
 * @throws AlreadyExistsError naming the files that are in the way.
 */
export async function init(dir: string | undefined, flags: InitFlags): Promise<number> {
  requireWorkingDirectory()
  const folder = resolve(dir ?? '.')
  const title = JSON.stringify(dir ?? '.')
  const given = readFlags(flags)
  refuseExisting(folder, title, ALWAYS)
  const answers = isAsking(flags) ? await askFor(given, folder) : completeAnswers(given, folder)
  if (answers === undefined) {
    printError('eventsets: nothing was made.\n')
    return ExitCode.INTERRUPTED
  }
  const wanted = pluginFiles({
    ...answers,
    version: readVersion(),
    year: new Date().getFullYear(),
    folderName: basename(folder),
  })
  const kept = findExisting(folder, KEPT)
  const files = wanted.filter(({ path }) => !kept.includes(path))
  const paths = files.map(({ path }) => path)
  refuseExisting(folder, title, paths)
  writeFiles(folder, title, files)
  const { name, setName, license } = answers
  const doubt = doubtLicense(license)
  if (doubt !== undefined) printError(`eventsets: the licence: ${doubt}; it stands in package.json.\n`)
  const next = nextCommands(folder, setName)
  const made = { version: 1, folder, name, set: setName, files: paths, kept, next }
  if (flags.json) print(`${toSafeJson(made, 2)}\n`)
  else print(describePlugin(answers, { files, kept }, next, flags.color))
  return ExitCode.OK
}

/** Where nobody can answer, or somebody wants no questions, the suggestions count. */
function isAsking({ yes, json }: InitFlags): boolean {
  return !yes && !json && Boolean(process.stdin.isTTY && process.stdout.isTTY)
}

async function askFor(given: Partial<Answers>, folder: string): Promise<Answers | undefined> {
  // Loaded for people only.
  const { ask } = await import('./init/ask.ts')
  return await ask(questions, given, folder)
}

function readFlags(flags: InitFlags): Partial<Answers> {
  const given: Partial<Record<keyof Answers, string>> = {}
  const issues: Issue[] = []
  for (const { key, flag, refuse } of questions) {
    const answer = flags[key]?.trim()
    if (answer === undefined) continue
    const reason = refuse(answer)
    if (reason === undefined) given[key] = answer
    else issues.push(issueOf(flag, answer, reason))
  }
  if (issues.length > 0) throw invalid(issues)
  return given
}

function completeAnswers(given: Partial<Answers>, folder: string): Answers {
  const answers: Partial<Record<keyof Answers, string>> = { ...given }
  for (const { key, flag, suggest } of questions) {
    const answer = answers[key] ?? suggest(answers, folder)
    if (answer !== undefined) {
      answers[key] = answer
      continue
    }
    // What follows from it is not missing for a reason of its own.
    const message = `is needed, since none follows from ${key === 'name' ? 'the folder' : 'the name of the package'}`
    throw invalid([{ path: flag, code: 'missing', message }])
  }
  // None is missing.
  return answers as Answers
}

function issueOf(flag: string, answer: string, reason: string): Issue {
  return { path: flag, code: 'format', message: `${JSON.stringify(answer)} will not do: ${reason}` }
}

function invalid(issues: readonly Issue[]): ValidationError {
  return new ValidationError('What the plugin is to be made with is', issues, {
    code: 'EVENTSETS_INVALID_OPTIONS',
    hint: 'eventsets init --help tells the options.',
  })
}

function nextCommands(folder: string, setName: string): string[] {
  const path = relative(process.cwd(), folder)
  if (path === '') return ['npm install', 'npm test', `npx eventsets show ${setName}`]
  // `cd -` and `cd ~` mean other folders.
  const plain = /^[-~]/.test(path) ? `./${path}` : path
  return [`cd ${quoteForShell(plain)}`, 'npm install', 'npm test']
}

interface Outcome {
  readonly files: readonly NewFile[]
  /** What was there, and stays. */
  readonly kept: readonly string[]
}

function describePlugin(
  { name, setName, license }: Answers,
  { files, kept }: Outcome,
  next: readonly string[],
  color: boolean | undefined,
): string {
  const style = terminalStyle(color)
  const rows = files.map(({ path, purpose }) => ({ cells: [path, purpose] }))
  const hasLicense = kept.includes('LICENSE') || files.some(({ path }) => path === 'LICENSE')
  return [
    `${style.bold(`Made ${name}`)} with the event set ${JSON.stringify(setName)}:\n\n`,
    formatTable(rows, { indent: '  ', style }),
    kept.length === 0 ? '' : `\n${kept.map((path) => `Kept ${path}, which was there.\n`).join('')}`,
    kept.includes('LICENSE') ? `package.json says ${license}: see that LICENSE says so, too.\n` : '',
    hasLicense ? '' : `\nPut the text of the licence ${license} into a file LICENSE.\n`,
    '\nNext:\n\n',
    ...next.map((command) => `  ${toSafeText(command)}\n`),
  ].join('')
}
