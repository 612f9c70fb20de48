import { ValidationError } from '../core/errors.ts'
import { formatIssue, type Issue, IssueList } from '../core/issue.ts'
import type { ConfiguredOptions } from '../discovery/configuration.ts'
import { checkOptionValue } from '../discovery/option-values.ts'
import { findLevelIssues } from '../pino/levels.ts'
import type { LineProcessorOptions } from '../pino/line-processor.ts'
import type { LineOptions } from '../pino/options.ts'
import { resolveTerminal } from '../pino/terminal.ts'
import type { Flags } from './arguments.ts'

export interface ViewOptions {
  readonly options: LineProcessorOptions
  /** What the configuration says that makes no sense here, as sentences. The log is shown without it. */
  readonly problems: readonly string[]
}

/**
 * What the flags of the view ask for, and the configuration where they say nothing. Whether it is text or JSON, only
 * the flags say: what the configuration says is meant for the application's own output.
 *
 * @throws ValidationError naming every flag whose value makes no sense.
 */
export function toLineOptions(flags: Flags, configured: ConfiguredOptions, isTerminal: boolean): ViewOptions {
  const { json, color, follow, set, debug, discovery, config, ...others } = flags
  const { useOnlyCustomProps, translateTime, maxLineBytes, ...rest } = others
  const { output, destination, append, mkdir, sync, ...defaults } = configured
  const given = { ...defaults, ...rest, output: json === true ? 'json' : 'pretty' } as LineOptions
  const colorize = (color as boolean | undefined) ?? defaults.colorize
  const options = {
    ...given,
    ...resolveTerminal({ ...given, colorize }, isTerminal),
    ...(translateTime === undefined ? {} : { translateTime: toBoolean(translateTime) }),
    ...(maxLineBytes === undefined ? {} : { maxLineBytes: Number(maxLineBytes) }),
    ...(useOnlyCustomProps === undefined ? {} : { useOnlyCustomProps: toBoolean(useOnlyCustomProps) }),
  } as LineProcessorOptions
  const ofLevel = findLevelIssues(options)
  const isLevelGiven = rest.minimumLevel !== undefined
  const issues = [
    ...findValueIssues(rest),
    ...findLimitIssues(maxLineBytes),
    ...(isLevelGiven ? ofLevel.map((issue) => ({ ...issue, path: '--minimum-level' })) : []),
  ]
  if (issues.length > 0)
    throw new ValidationError('the command line is', issues, { code: 'EVENTSETS_INVALID_OPTIONS' })
  if (ofLevel.length === 0 || isLevelGiven) return { options, problems: [] }
  const { minimumLevel: _, ...sound } = options
  const reason = ofLevel.map((issue) => `\n  ${formatIssue(issue)}`).join('')
  return {
    options: sound,
    problems: [`In the configuration of eventsets: an option is not valid, and left out:${reason}`],
  }
}

function toBoolean(value: unknown): unknown {
  return value === 'true' ? true : value === 'false' ? false : value
}

/** The flags whose values have a form of their own. Those of the configuration have been judged where it was read. */
function findValueIssues(flags: Flags): Issue[] {
  const issues = new IssueList()
  for (const [name, value] of Object.entries(flags)) checkOptionValue(name, value, issues.report)
  return issues.toIssues().map((issue) => ({ ...issue, path: issue.path && toFlag(issue.path) }))
}

function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function findLimitIssues(maxLineBytes: unknown): Issue[] {
  if (maxLineBytes === undefined || (/^\d+$/.test(`${maxLineBytes}`) && Number(maxLineBytes) >= 1024))
    return []
  const message = `the limit is a whole number of at least 1024, not ${JSON.stringify(maxLineBytes)}`
  return [{ path: '--max-line-bytes', code: 'format', message }]
}
