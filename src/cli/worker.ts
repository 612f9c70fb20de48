import { join } from 'node:path'
import type { EventsetsError } from '../core/errors.ts'
import { workingDirectory } from '../discovery/discover.ts'
import { oneLine } from '../discovery/origin.ts'
import type { LogBatch, LogStreamDriver, LogStreamReader, LogStreamWriter } from '../log-stream/driver.ts'
import { findLogStreamDriver } from '../log-stream/find-driver.ts'
import { isUrl } from '../log-stream/is-url.ts'
import { describeUrl } from '../log-stream/stream-url.ts'
import { isTerminal } from '../pino/terminal.ts'
import type { Flags } from './arguments.ts'
import { ExitCode } from './exit-code.ts'
import { printError } from './output.ts'
import { isConfigurationProblem, loadSets } from './sets.ts'
import { toLineOptions } from './view-flags.ts'
import { type Convert, createConversion, splitLines } from './worker-conversion.ts'
import { mayBeMeantAsStream, nameFlags, readWorkerFlags, type WorkerSettings } from './worker-flags.ts'
import { openWorkerOutput, type WorkerOutput } from './worker-output.ts'

/** How long the end waits for what is in hand. */
const FINISH_MS = 10_000
/** And then for what cannot be ended. */
const GIVE_UP_MS = 2000

/** `eventsets worker`: enriches the lines of a stream as one of a group, until a signal ends it. */
export async function work(flags: Flags): Promise<number> {
  const { settings, viewFlags } = readWorkerFlags(flags, isTerminal(1))
  const { from, to } = settings
  const { registry, problems, options: configured, project } = await loadSets(viewFlags)
  const isForTerminal = to === '-' && isTerminal(1)
  const isJson = settings.output === 'json'
  const view = toLineOptions({ ...viewFlags, json: isJson }, configured, isForTerminal)
  const wrong = [...problems.filter(isConfigurationProblem).map(({ message }) => message), ...view.problems]
  wrong.forEach(tell)

  const near = project ?? join(workingDirectory(), 'package.json')
  const driver = await findDriver(from, near)
  const reader = openReader(driver, settings)
  const ending = endOnSignals(reader)
  if (mayBeMeantAsStream(to)) tell(describeFile(to, from))
  const isTold = settings.isVerbose || isTerminal(2)
  if (isTold) tell(describeWork(settings))
  const done: Done = { lines: 0, repeated: 0, lost: 0 }
  try {
    const target = await openTarget(settings, near, ending.began)
    try {
      const convert = await createConversion(registry, view.options)
      if (target) await passBatches(reader, target, convert, done)
    } finally {
      await target?.close()
    }
  } catch (error) {
    if (!ending.isOverdue) throw error
    tell('What was in hand could not be finished in time, and is left to others.')
  } finally {
    ending.release()
    await reader.close()
  }
  if (isTold) tell(describeDone(done))
  return wrong.length > 0 ? ExitCode.FAILURE : ExitCode.OK
}

/** @throws EventsetsError when there is none for such a URL. */
async function findDriver(url: string, project: string): Promise<LogStreamDriver> {
  try {
    return await findLogStreamDriver(url, { project, role: 'reader' })
  } catch (error) {
    // The command says itself who speaks.
    if (error instanceof Error) error.message = error.message.replace(/^eventsets (?=cannot)/, '')
    throw error
  }
}

function openReader(driver: LogStreamDriver, settings: WorkerSettings): LogStreamReader {
  try {
    return driver.openReader(settings.from, {
      ...settings,
      endAfterIdleMs: settings.idleExitMs,
      onError: (error) => tell(describeError(error)),
      onBack: () => tell('The server is back.'),
    })
  } catch (error) {
    throw nameFlags(error)
  }
}

/** Where the lines go. */
interface Target {
  /** Gives how many lines of the batch were this process's own; undefined when nobody takes them any more. */
  pass(batch: LogBatch, bytes: Buffer): Promise<number | undefined>
  close(): Promise<void>
}

/** Undefined when the end came before anybody could take lines. */
async function openTarget(
  settings: WorkerSettings,
  near: string,
  end: AbortSignal,
): Promise<Target | undefined> {
  const { to } = settings
  if (isUrl(to)) return toStream((await findDriver(to, near)).openWriter(to, settings))
  const output = await openWorkerOutput(to, end)
  return output && toOutput(output)
}

function toStream(writer: LogStreamWriter): Target {
  return {
    pass: async (batch, bytes) => await batch.acknowledge({ writer, lines: splitLines(bytes) }),
    close: () => writer.close(),
  }
}

function toOutput(output: WorkerOutput): Target {
  return {
    // What has not arrived is not acknowledged, and comes to somebody else.
    pass: async (batch, bytes) => ((await output.write(bytes)) ? await batch.acknowledge() : undefined),
    close: async () => output.close(),
  }
}

/** What has been done, in lines. */
interface Done {
  lines: number
  /** Those of them that were handed out before. */
  repeated: number
  /** Those that were given to others, who took this process for dead. */
  lost: number
}

async function passBatches(
  reader: LogStreamReader,
  target: Target,
  convert: Convert,
  done: Done,
): Promise<void> {
  for (let batch = await reader.read(); batch; batch = await reader.read()) {
    const { length } = batch.lines
    if (batch.isDeadly)
      tell(
        `${countLines(length)} that processes have died of ${length === 1 ? 'is' : 'are'} passed on as it is.`,
      )
    const own = await target.pass(batch, convert(batch))
    if (own === undefined) return
    done.lines += own
    done.repeated += Math.min(own, batch.redeliveredCount)
    done.lost += Math.max(0, length - own)
  }
}

interface Ending {
  readonly began: AbortSignal
  readonly isOverdue: boolean
  release(): void
}

/** The first signal ends it when what is in hand is done, the second one at once. */
function endOnSignals(reader: LogStreamReader): Ending {
  let isOverdue = false
  const beginning = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const dieOf = (signal: NodeJS.Signals) => {
    release()
    process.kill(process.pid, signal)
  }
  const end = (signal: NodeJS.Signals) => {
    if (timer) return dieOf(signal)
    reader.stop()
    beginning.abort()
    timer = setTimeout(() => {
      isOverdue = true
      void reader.close()
      // A thread that writes into a full pipe cannot be ended, and would keep the process from its end.
      timer = setTimeout(() => {
        tell('What was in hand could not be finished in time, and is left to others.')
        dieOf(signal)
      }, GIVE_UP_MS)
    }, FINISH_MS)
  }
  const release = () => {
    clearTimeout(timer)
    for (const signal of SIGNALS) process.off(signal, end)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  return {
    get isOverdue() {
      return isOverdue
    },
    began: beginning.signal,
    release,
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** In sentences, with what to do about it. */
function describeError({ message, hint }: Error & Partial<EventsetsError>): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`
  return hint === undefined ? sentence : `${sentence} ${hint}`
}

function describeWork({ from, to, group }: WorkerSettings): string {
  const target = to === '-' ? 'standard output' : isUrl(to) ? describeUrl(to) : to
  return `Lines of ${describeUrl(from)} go to ${target}, as one of the group ${JSON.stringify(group)}.`
}

function describeFile(to: string, from: string): string {
  const stream = describeUrl(from).replace(/[^/]*$/, encodeURIComponent(to))
  return `Lines go to the file ${JSON.stringify(oneLine(to))} in the working directory. A stream is named by a URL: --to ${stream}`
}

function describeDone({ lines, repeated, lost }: Done): string {
  const again = repeated === 0 ? '' : `, of which ${repeated} had been handed out before`
  const others = lost === 0 ? '' : ` ${countLines(lost)} had been given to others by then.`
  return `${countLines(lines)} done${again}.${others}`
}

function countLines(count: number): string {
  return count === 1 ? '1 line' : `${count} lines`
}

function tell(message: string): void {
  printError(`eventsets: ${message}\n`)
}
