import { randomUUID } from 'node:crypto'
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node'
import { type HandedOut, readHandedOut } from './message.ts'
import { nanos } from './streams.ts'

/** Asks the server for messages, for exactly as many as there are hands for. */
export interface Pulls {
  /** How many have been asked for that may still come. */
  readonly asked: number
  /** Resolves when one of the requests has come to its end. */
  untilEnd(): Promise<void>
  ask(count: number): void
  /** Gives up what is long overdue. */
  tick(): void
  /** Forgets what was asked for: the connection was lost, and with it what was on its way. */
  forget(): void
  end(): void
}

export interface PullsSetting {
  readonly connection: NatsConnection
  /** Where the server takes what is asked of it: `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>`. */
  readonly subject: string
  readonly onMessage: (message: HandedOut) => void
  /** Something that was asked for will not come; with the reason, if it is not that there was nothing. */
  readonly onEnd: (trouble: Trouble | undefined) => void
}

export interface Trouble {
  /** Whether the consumer, or its stream, is not there. */
  readonly isMissing: boolean
  readonly message: string
}

/**
 * The server waits for so long for something to come. Whoever stops waits for that: to leave earlier would be to leave
 * what is on its way, and nobody else would get it before it is found that nobody has it.
 */
const WAIT_MS = 250
const OVERDUE_MS = 3000
/** So many requests may be under way; as long as there is one, there are hands that wait. */
const MAX_REQUESTS = 8

/** Each request has an address of its own, so that it is known of each what is still to come. */
interface Request {
  subscription: Subscription
  left: number
  sinceMs: number
}

export function createPulls({ connection, subject, onMessage, onEnd }: PullsSetting): Pulls {
  const running = new Set<Request>()
  /** Addresses that are free again: to make one takes the server some work. */
  const idle: Request[] = []
  let isEnded = false
  const onRelease: (() => void)[] = []

  const create = (): Request => {
    const request: Request = { subscription: undefined as unknown as Subscription, left: 0, sinceMs: 0 }
    request.subscription = connection.subscribe(createInbox(connection), {
      callback: (error, message) => {
        // What is thrown here would end the connection.
        if (error) finish(request, { isMissing: false, message: error.message })
        else receive(request, message)
      },
    })
    return request
  }
  const receive = (request: Request, message: Msg) => {
    const handedOut = readHandedOut(message)
    if (handedOut) {
      if (request.left > 0 && --request.left === 0) release(request)
      onMessage(handedOut)
      return
    }
    const { code = 0, description = '' } = message.headers ?? {}
    // 404 and 408: there was nothing. 100 is a sign of life.
    if (code === 100) return
    const isMissing = code === 503 || /deleted|not found/i.test(description)
    finish(
      request,
      code === 404 || code === 408 ? undefined : { isMissing, message: `${code} ${description}` },
    )
  }
  const release = (request: Request) => {
    request.left = 0
    if (running.delete(request)) idle.push(request)
    tellRelease()
  }
  const finish = (request: Request, trouble: Trouble | undefined) => {
    if (!running.has(request)) return
    release(request)
    onEnd(trouble)
  }
  const tellRelease = () => {
    for (const resolve of onRelease.splice(0)) resolve()
  }
  const drop = (request: Request) => {
    running.delete(request)
    tellRelease()
    try {
      request.subscription.unsubscribe()
    } catch {
      // The connection is closed, or is being closed.
    }
  }

  return {
    get asked() {
      let count = 0
      for (const { left } of running) count += left
      return count
    },
    untilEnd() {
      return new Promise((resolve) => onRelease.push(resolve))
    },
    ask(count) {
      if (isEnded || count <= 0 || running.size >= MAX_REQUESTS) return
      if (connection.isClosed() || connection.isDraining()) return
      const request = idle.pop() ?? create()
      request.left = count
      request.sinceMs = performance.now()
      running.add(request)
      const body = JSON.stringify({ batch: count, expires: nanos(WAIT_MS) })
      connection.publish(subject, body, { reply: request.subscription.getSubject() })
    },
    tick() {
      const late = performance.now() - WAIT_MS - OVERDUE_MS
      for (const request of [...running]) {
        if (request.sinceMs > late) continue
        drop(request)
        // To what is asked of a consumer that is not there, nobody answers.
        onEnd({ isMissing: true, message: 'no answer' })
      }
    },
    forget() {
      for (const request of [...running, ...idle.splice(0)]) drop(request)
    },
    end() {
      isEnded = true
      this.forget()
    },
  }
}

function createInbox(connection: NatsConnection): string {
  // Users may be allowed to listen below a prefix of their own only; the connection knows it and has no word for it.
  const { options } = connection as { readonly options?: { readonly inboxPrefix?: string } }
  return `${options?.inboxPrefix ?? '_INBOX'}.${randomUUID()}`
}
