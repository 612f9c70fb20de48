import { isMainThread } from 'node:worker_threads'
import onExit from 'on-exit-leak-free'
import sonicBoom from 'sonic-boom'

type SonicBoom = InstanceType<typeof sonicBoom.SonicBoom>

/** Where text can be written: a stream of node, or what pino takes for one. */
export interface PrettyDestination {
  write(text: string): unknown
  on?(event: 'close', listener: () => void): unknown
}

export interface DestinationOptions {
  /** A file descriptor, a path, or a stream. Default: 1, standard output. */
  readonly destination?: number | string | PrettyDestination | undefined
  /** Keep what a file holds. Default: true. */
  readonly append?: boolean | undefined
  /** Make the directories of a path. Default: false. */
  readonly mkdir?: boolean | undefined
  /** Write before the call that logs returns. Default: false. */
  readonly sync?: boolean | undefined
}

/** The destination itself where it is a stream; a file or a descriptor is opened. */
export function openDestination({ destination, append, mkdir, sync }: DestinationOptions): PrettyDestination {
  if (typeof destination === 'object' && typeof destination.write === 'function') return destination
  const given = Object.fromEntries(
    Object.entries({ append, mkdir, sync }).filter(([, value]) => value !== undefined),
  )
  const file = new sonicBoom.SonicBoom({ ...given, dest: (destination as number | string) || 1 })
  silenceBrokenPipe(file)
  // A worker ends in its own way: pino flushes its transports.
  if (!sync && isMainThread) flushAtExit(file)
  return file
}

/** Whoever reads the text may leave before its end, like `head`: what is left then goes nowhere, and that is fine. */
function silenceBrokenPipe(file: SonicBoom): void {
  const listener = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE')
      Object.assign(file, { write: drop, end: drop, flushSync: drop, destroy: drop })
    else file.removeListener('error', listener)
  }
  file.on('error', listener)
}

const drop = () => {}

/** What has not been written at the end is written then. The file can still be collected as garbage before. */
function flushAtExit(file: SonicBoom): void {
  onExit.register(file, flush)
  file.on('close', () => onExit.unregister(file))
}

function flush(file: SonicBoom & { readonly destroyed?: boolean }, event: string): void {
  if (file.destroyed) return
  if (event === 'beforeExit') {
    file.flush()
    file.on('drain', () => file.end())
  } else file.flushSync()
}
