import { parentPort, workerData } from 'node:worker_threads'

/** Tells whether the thread that logs is alive, or does nothing but wait for this one. */
export interface MainThreadWatch {
  /**
   * Takes it for silent until it has surely learnt that this thread is there. Before, it could not end: thread-stream
   * lets go of its worker only when everything has been taken that was logged until then. To be called with the first
   * lines, or later.
   */
  meet(): void
  start(): void
  /** Nobody needs to know any more: it goes on only until it has been heard again. */
  rest(): void
  stop(): void
}

const ASK_MS = 250
/** Who has not answered for so long is busy, or waits for this thread: at its end it does so, and for ten seconds at most. */
const SILENCE_MS = 1500
/**
 * After so many answers it has read the message that this thread is there, which was sent before they were asked for, and
 * what it had logged by then has been taken.
 */
const MEETING_ANSWERS = 2
const ECHO = 'EVENTSETS_ECHO'

/**
 * Asks the thread that logs again and again for an answer, by what thread-stream does anyway: it passes on what its worker
 * emits, and sends its worker what is emitted as a message.
 */
export function watchMainThread(onChange: (isSilent: boolean) => void): MainThreadWatch {
  // Where no logger's worker is, nobody answers and nobody waits.
  const port = isLoggersWorker() ? parentPort : null
  let timer: NodeJS.Timeout | undefined
  let heardAt = 0
  let isSilent = false
  let isNeeded = false
  let isMeeting = false
  let missingAnswers = 0
  const isMet = () => missingAnswers === 0
  const change = (silent: boolean) => {
    if (silent === isSilent) return
    isSilent = silent
    onChange(silent)
  }
  const onMessage = (message: unknown) => {
    if ((message as { code?: unknown } | null)?.code !== ECHO) return
    heardAt = performance.now()
    if (!isMet() && --missingAnswers > 0) return send()
    change(false)
    if (!isNeeded) stop()
  }
  const ask = () => {
    change(!isMet() || performance.now() - heardAt > SILENCE_MS)
    send()
  }
  const send = () => port?.postMessage({ code: 'EVENT', name: 'message', args: [{ code: ECHO }] })
  const listen = () => {
    if (!port || timer) return
    heardAt = performance.now()
    port.on('message', onMessage)
    timer = setInterval(ask, ASK_MS)
    ask()
  }
  const stop = () => {
    clearInterval(timer)
    timer = undefined
    port?.off('message', onMessage)
    change(false)
  }
  return {
    meet() {
      if (isMeeting) return
      isMeeting = true
      missingAnswers = MEETING_ANSWERS
      listen()
    },
    start() {
      isNeeded = true
      listen()
    },
    rest() {
      isNeeded = false
      if (!isSilent && isMet()) stop()
    },
    stop,
  }
}

function isLoggersWorker(): boolean {
  return (workerData as { stateBuf?: unknown } | null)?.stateBuf instanceof SharedArrayBuffer
}
