import type { LogStreamWriter } from './driver.ts'
import { countLines, createLineQueue, cutLines, wholeLinesWithin } from './line-queue.ts'
import type { SpillFile } from './spill-file.ts'

/** What becomes of lines that find no room while they wait for the server. */
export type OnFull = 'block' | 'drop' | 'spill'

export interface BufferedWriterOptions {
  readonly writer: LogStreamWriter
  /** What the stream is called in messages: an address without a password. */
  readonly name: string
  /** How many bytes of lines wait in memory at most, about. A line that is longer is dropped. */
  readonly maxBytes: number
  readonly onFull: OnFull
  /** Where lines go that find no room, with `spill`. */
  readonly spill?: SpillFile | undefined
  /** How long the end waits for the server. */
  readonly closeTimeoutMs: number
  /** The line that stands in the stream for so many that had to be dropped, without its line end. */
  readonly lossRecord: (lines: number) => string
  /** Told of what a person should know, in a sentence. */
  readonly report: (message: string) => void
}

/** Stands between whoever has lines and a server that may be slow, or away. The order is kept. */
export interface BufferedWriter {
  /** Takes bytes of lines, which may end anywhere, and copies them. Never throws. */
  write(bytes: Uint8Array): void
  /**
   * Whether more may come at once. Otherwise `onRoom` is called, once, when it may; whoever goes on all the same makes
   * the buffer larger than it should be.
   */
  hasRoom(onRoom: () => void): boolean
  /** While whoever writes is in a hurry, nobody is kept waiting, and nothing is dropped. */
  hurry(isHurried: boolean): void
  /** Calls back when everything is on the server, or after the time that the end would wait. */
  flush(done: () => void): void
  /** Writes what there is within its time, tells what is lost, and ends the connection. */
  close(done: () => void): void
  /** The same for an end at which nothing can be waited for. */
  closeNow(): void
}

/** So many lines and bytes go to the server together: it does nothing else meanwhile. */
const BATCH = { lines: 2000, bytes: 512 * 1024 }
/** A server that takes lines, but more slowly than they come, is waited for so long before any are dropped. */
const PATIENCE_MS = 3000
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 5000
/** At the end there is no time for long ones. */
const MAX_LAST_PAUSE_MS = 250
/** What goes on being wrong is told again after so long. */
const TELL_AGAIN_MS = 60_000
/** Whoever is to end does not wait for the connection to end well. */
const DISCONNECT_MS = 500

const NEWLINE = 10
const LINE_END = Uint8Array.of(NEWLINE)

export function createBufferedWriter(options: BufferedWriterOptions): BufferedWriter {
  const { writer, name, maxBytes, onFull, spill, closeTimeoutMs, lossRecord, report } = options
  const queue = createLineQueue()
  /** What came after the lines on the disk, when there was no room there. */
  const behindDisk = createLineQueue()
  /** The beginning of a line whose end has not come yet. */
  let held: Uint8Array[] = []
  let heldBytes = 0
  /** Whether the rest of a line is to come whose beginning was dropped. */
  let isSkipping = false
  /** What is under way, or has to be tried again: as the same array, so that it is not there twice. */
  let batch: Batch | undefined
  let isWriting = false
  let pauseMs = FIRST_PAUSE_MS
  let retryTimer: NodeJS.Timeout | undefined
  let patienceTimer: NodeJS.Timeout | undefined
  let isPatient = true
  let isHurried = false
  let isEnding = false
  let isClosed = false
  const waitingForRoom: (() => void)[] = []
  const waitingForEmpty: (() => void)[] = []
  /** Why nothing can be written at the moment. */
  let failure: string | undefined
  let toldAt = Number.NEGATIVE_INFINITY
  let lossToldAt = Number.NEGATIVE_INFINITY
  let unreadToldAt = Number.NEGATIVE_INFINITY
  /** Since the last record of a loss in the stream, since it was last told, and while the server is away. */
  let unrecordedLoss = 0
  let untoldLoss = 0
  let lossWhileAway = 0

  const usedBytes = () => queue.bytes + behindDisk.bytes + (batch && !batch.isSpilled ? batch.bytes : 0)
  const isOnDisk = () => spill !== undefined && spill.unreadBytes > 0
  const isRoomLeft = () => usedBytes() < maxBytes
  const isWaitedFor = () => !isHurried && (onFull === 'block' || (onFull === 'drop' && isPatient))

  const takeLines = (lines: Uint8Array) => {
    // What is on the disk already was first.
    if (isOnDisk()) return takeBehindDisk(lines)
    leaveDisk()
    const room = maxBytes - usedBytes()
    // Whoever is asked to wait has one chunk in its hands, which may come in parts.
    if (lines.length <= room || onFull === 'block' || isHurried || (onFull === 'drop' && isPatient)) {
      recordLoss()
      queue.push(lines)
      return
    }
    const fitting = wholeLinesWithin(lines, room)
    if (fitting > 0) {
      recordLoss()
      queue.push(lines.subarray(0, fitting))
    }
    const rest = lines.subarray(fitting)
    if (spill) spillLines(rest)
    else drop(countLines(rest))
  }
  const takeBehindDisk = (lines: Uint8Array) => {
    const spilled = behindDisk.bytes > 0 ? 0 : spillWithRecord(lines)
    const rest = lines.subarray(spilled)
    const room = isHurried ? rest.length : wholeLinesWithin(rest, maxBytes - usedBytes())
    if (room > 0) {
      recordLoss(behindDisk)
      behindDisk.push(rest.subarray(0, room))
    }
    if (room < rest.length) drop(countLines(rest.subarray(room)))
  }
  /** Nothing is on the disk any more. */
  const leaveDisk = () => {
    if (behindDisk.bytes > 0) queue.push(behindDisk.takeAll())
  }
  const spillLines = (lines: Uint8Array) => {
    const bytes = spillWithRecord(lines)
    if (bytes < lines.length) drop(countLines(lines.subarray(bytes)))
  }
  const spillWithRecord = (lines: Uint8Array): number => {
    const record = unrecordedLoss === 0 ? undefined : toLine(lossRecord(unrecordedLoss))
    // Where there is no room for it, lines behind it would stand in the wrong place.
    if (record && spill?.append(record) !== record.length) return 0
    if (record) unrecordedLoss = 0
    return spill?.append(lines) ?? 0
  }
  const drop = (lines: number) => {
    unrecordedLoss += lines
    untoldLoss += lines
    if (failure !== undefined) lossWhileAway += lines
    if (performance.now() - lossToldAt < TELL_AGAIN_MS) return
    lossToldAt = performance.now()
    const why =
      failure === undefined ? `${name} does not take lines as fast as they come` : `${name} cannot be written`
    tell(`${why}, and there is no more room: ${count(untoldLoss, 'line')} had to be dropped.`)
    untoldLoss = 0
  }
  const dropOverlong = () => {
    unrecordedLoss++
    if (failure !== undefined) lossWhileAway++
    tell(`a line of more than ${wordBytes(maxBytes)} for ${name} had to be dropped.`)
  }
  /** Where lines are missing, a line says so. */
  const recordLoss = (to = queue) => {
    if (unrecordedLoss === 0) return
    const lines = unrecordedLoss
    unrecordedLoss = 0
    to.push(toLine(lossRecord(lines)))
  }
  const tell = (message: string) => {
    toldAt = performance.now()
    report(`eventsets: ${message}`)
  }

  const hold = (bytes: Uint8Array) => {
    if (isSkipping) return
    if (heldBytes + bytes.length > maxBytes) {
      isSkipping = true
      held = []
      heldBytes = 0
      dropOverlong()
      return
    }
    held.push(Buffer.from(bytes))
    heldBytes += bytes.length
  }
  const takeHeld = (rest: Uint8Array) => {
    const line = [...held, rest]
    const isTaken = !isSkipping
    held = []
    heldBytes = 0
    isSkipping = false
    if (isTaken) takeLines(Buffer.concat(line))
  }

  const work = () => {
    if (isWriting || isClosed || retryTimer) return
    batch ??= nextBatch()
    if (!batch) {
      if (isOnDisk()) return tryAgain()
      for (const done of waitingForEmpty.splice(0)) done()
      return
    }
    isWriting = true
    attempt(batch.lines).then(onWritten, onFailed)
  }
  const attempt = async (lines: readonly Uint8Array[]) => await writer.write(lines)
  const nextOfMemory = (): Batch | undefined => {
    if (!isOnDisk()) leaveDisk()
    const first = queue.take(BATCH)
    return first && { ...first, isSpilled: false }
  }
  const nextBatch = (): Batch | undefined => {
    const first = nextOfMemory()
    if (first) return first
    if (!spill || !isOnDisk()) return undefined
    const spilled = spill.peek(BATCH.bytes)
    if (spill.failure !== undefined && performance.now() - unreadToldAt > TELL_AGAIN_MS) {
      unreadToldAt = performance.now()
      tell(`lines that wait in ${spill.path} cannot be read: ${textOf(spill.failure)}`)
    }
    if (!spilled && !isOnDisk()) return nextOfMemory()
    return spilled && { ...cutLines(spilled, BATCH), isSpilled: true }
  }
  const onWritten = () => {
    isWriting = false
    if (isClosed) return
    if (batch?.isSpilled) spill?.release(batch.bytes)
    batch = undefined
    if (!isOnDisk()) leaveDisk()
    pauseMs = FIRST_PAUSE_MS
    if (failure !== undefined) {
      failure = undefined
      const lost =
        lossWhileAway === 0
          ? 'Nothing was lost.'
          : `${count(lossWhileAway, 'line')} had to be dropped meanwhile.`
      tell(`${name} can be written again. ${lost}`)
      untoldLoss = 0
      lossWhileAway = 0
      renewPatience()
    }
    if (isRoomLeft() && !isOnDisk()) recordLoss()
    if (usedBytes() <= maxBytes / 2) renewPatience()
    if (isRoomLeft()) letGo()
    work()
  }
  const onFailed = (error: unknown) => {
    isWriting = false
    if (isClosed) return
    const reason = textOf(error)
    if (failure === undefined || (reason !== failure && performance.now() - toldAt > TELL_AGAIN_MS)) {
      lossWhileAway = failure === undefined ? 0 : lossWhileAway
      tell(`cannot write to ${name}: ${reason} ${whatFollows(options)}`)
    }
    failure = reason
    tryAgain()
    // What is safe on the disk need not be waited for.
    if (isEnding && spill) endNow?.()
  }
  const tryAgain = () => {
    const mostMs = isEnding ? MAX_LAST_PAUSE_MS : MAX_PAUSE_MS
    retryTimer = setTimeout(
      () => {
        retryTimer = undefined
        work()
      },
      Math.min(pauseMs, mostMs) * (0.75 + Math.random() / 4),
    )
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
  }
  const renewPatience = () => {
    clearTimeout(patienceTimer)
    patienceTimer = undefined
    isPatient = true
  }
  const letGo = () => {
    for (const onRoom of waitingForRoom.splice(0)) onRoom()
  }

  /** Ends the waiting for the end. */
  let endNow: (() => void) | undefined
  const settle = () => {
    isClosed = true
    endNow = undefined
    clearTimeout(retryTimer)
    clearTimeout(patienceTimer)
    const left = Buffer.concat([
      ...(batch && !batch.isSpilled ? batch.lines.flatMap((line) => [line, LINE_END]) : []),
      queue.takeAll(),
    ])
    batch = undefined
    // The last first: what is put before all others takes the room that is left.
    const last = behindDisk.takeAll()
    const keptOfLast = spill?.append(last) ?? 0
    const kept = spill?.prepend(left) ?? 0
    const lost =
      countLines(left.subarray(0, left.length - kept)) + countLines(last.subarray(keptOfLast)) + untoldLoss
    if (spill && spill.unreadBytes > 0)
      tell(`what could not be written to ${name} is kept in ${spill.path}, and goes there at the next start.`)
    const reason = failure === undefined ? '' : `: ${failure}`
    if (lost > 0)
      tell(
        `${count(lost, 'line')} could not be written to ${name} and ${lost === 1 ? 'is' : 'are'} lost${reason || '.'}`,
      )
    spill?.close()
    letGo()
    for (const done of waitingForEmpty.splice(0)) done()
  }
  const takeLast = () => {
    isHurried = true
    isEnding = true
    if (heldBytes > 0) takeHeld(LINE_END)
  }

  spill?.onFound(work)
  if (isOnDisk()) work()
  return {
    write(bytes) {
      if (isClosed || bytes.length === 0) return
      const end = bytes.lastIndexOf(NEWLINE) + 1
      const start = end > 0 && (heldBytes > 0 || isSkipping) ? bytes.indexOf(NEWLINE) + 1 : 0
      if (start > 0) takeHeld(bytes.subarray(0, start))
      // A copy: the bytes may be a view of something that is used again.
      if (end > start) takeLines(Buffer.from(bytes.subarray(start, end)))
      if (end < bytes.length) hold(bytes.subarray(end))
      work()
    },
    hasRoom(onRoom) {
      if (isClosed || isRoomLeft() || !isWaitedFor()) return true
      waitingForRoom.push(onRoom)
      if (onFull === 'drop')
        patienceTimer ??= setTimeout(() => {
          isPatient = false
          letGo()
        }, PATIENCE_MS)
      return false
    },
    hurry(should) {
      isHurried = should || isEnding
      if (isHurried) letGo()
    },
    flush(done) {
      let timer: NodeJS.Timeout | undefined
      const finish = () => {
        clearTimeout(timer)
        const index = waitingForEmpty.indexOf(finish)
        if (index !== -1) waitingForEmpty.splice(index, 1)
        done()
      }
      timer = setTimeout(finish, closeTimeoutMs)
      waitingForEmpty.push(finish)
      work()
    },
    close(done) {
      if (isClosed) return done()
      if (isEnding) return void waitingForEmpty.push(done)
      takeLast()
      if (isRoomLeft() && !isOnDisk()) recordLoss()
      letGo()
      const timer = setTimeout(() => endNow?.(), closeTimeoutMs)
      endNow = () => {
        endNow = undefined
        clearTimeout(timer)
        settle()
        disconnect(writer, done)
      }
      if (spill && failure !== undefined && !isWriting) return endNow()
      clearTimeout(retryTimer)
      retryTimer = undefined
      waitingForEmpty.push(() => endNow?.())
      work()
    },
    closeNow() {
      if (isClosed) return
      takeLast()
      settle()
      disconnect(writer, () => {})
    },
  }
}

interface Batch {
  readonly lines: readonly Uint8Array[]
  readonly bytes: number
  /** Whether they are on the disk until they are on the server. */
  readonly isSpilled: boolean
}

function whatFollows({ onFull, maxBytes, spill }: BufferedWriterOptions): string {
  const kept = `Up to ${wordBytes(maxBytes)} of lines are kept in memory`
  if (onFull === 'block') return `${kept}, and further ones wait in the application.`
  if (onFull === 'spill') return `${kept}, and further ones in ${spill?.path}.`
  return `${kept} and written as soon as it works again.`
}

function wordBytes(bytes: number): string {
  const MiB = 1024 * 1024
  return bytes < MiB ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / MiB)} MiB`
}

function disconnect(writer: LogStreamWriter, done: () => void): void {
  let timer: NodeJS.Timeout | undefined
  let isDone = false
  const finish = () => {
    clearTimeout(timer)
    if (isDone) return
    isDone = true
    done()
  }
  timer = setTimeout(finish, DISCONNECT_MS)
  const close = async () => await writer.close()
  close().then(finish, finish)
}

function toLine(text: string): Buffer {
  return Buffer.from(`${text}\n`)
}

/** As a sentence, with what to do about it. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}.`
  const { hint } = error as { readonly hint?: unknown }
  const sentence = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`
  return typeof hint === 'string' ? `${sentence} ${hint}` : sentence
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
