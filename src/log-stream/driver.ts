/**
 * What a package brings that carries log lines from one machine to another. It is found by the scheme of a URL, and
 * exports itself as `logStreamDriver`.
 */
export interface LogStreamDriver {
  /**
   * @param url Where the stream is, with its name as the last part of the path: `redis://host:6379/0/logs`.
   * @throws EventsetsError for a URL or an option that is wrong, without the password. A server that is away is no error: it may come back.
   */
  openWriter(url: string, options: LogStreamWriterOptions): LogStreamWriter
  /** @throws EventsetsError for a URL or an option that is wrong, without the password. A server that is away is no error: it may come back. */
  openReader(url: string, options: LogStreamReaderOptions): LogStreamReader
}

export interface LogStreamWriterOptions {
  /** How many lines the stream keeps at most, about; the oldest make room, whether they were read or not. */
  readonly maxLen?: number | undefined
  /** How long one try to write waits for the server, in milliseconds. */
  readonly timeoutMs?: number | undefined
}

/** Writes lines to a stream. */
export interface LogStreamWriter {
  /**
   * Resolves when the server has all of them. One batch at a time; one that is given once more after it was rejected,
   * as the same array and before any other, is there once.
   *
   * @param lines Without their line ends.
   */
  write(lines: readonly Uint8Array[]): Promise<void>
  /** Gives up what is under way and ends the connection. */
  close(): Promise<void>
}

export interface LogStreamReaderOptions {
  /** Those who share the lines of the stream between them. */
  readonly group: string
  /** What this process is called on the server. Default: host and process. */
  readonly consumer?: string | undefined
  /** How many lines are read at once at most. */
  readonly batch?: number | undefined
  /** When a process that was not heard of is taken for dead, and its lines are given to others, in milliseconds. */
  readonly claimIdleMs?: number | undefined
  /** Where a new group begins: with what is written from now on, or with all that is there. */
  readonly newGroups?: 'now' | 'beginning' | undefined
  /** Reading ends by itself when the server had nothing for so long, in milliseconds. Never unless given. */
  readonly endAfterIdleMs?: number | undefined
  /** Told of what goes wrong and passes, such as a server that is away. */
  readonly onError: (error: Error) => void
  /** Told when the server is back. */
  readonly onBack?: (() => void) | undefined
}

/** Reads lines as one of a group. */
export interface LogStreamReader {
  /** The next lines, waiting for some; undefined after `stop`. One batch at a time: what was not acknowledged comes again. */
  read(): Promise<LogBatch | undefined>
  /** No more is read; a `read` that waits ends. */
  stop(): void
  /** Leaves what was not acknowledged to others, and ends the connection. */
  close(): Promise<void>
}

/** Lines of which each is somebody's, until they are acknowledged. */
export interface LogBatch {
  /** Without their line ends. */
  readonly lines: readonly Uint8Array[]
  /** How many of them were handed out before, to a process that has died or has not acknowledged them. */
  readonly redeliveredCount: number
  /**
   * Whether processes have died, one after another, that had these lines in hand: they are to be passed on without being
   * looked into.
   */
  readonly isDeadly?: boolean | undefined
  /**
   * Notes that they are done with, in one step with the writing of what has become of them, where the writer is on the
   * same server and made by the same driver: then nothing is lost and nothing doubled, whenever a process dies.
   * Otherwise it is written first.
   *
   * @returns How many were still this process's own; the others have been given to somebody else meanwhile.
   */
  acknowledge(forward?: {
    readonly writer: LogStreamWriter
    readonly lines: readonly Uint8Array[]
  }): Promise<number>
}
