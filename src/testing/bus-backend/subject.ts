import type { BusBackend } from '../../bus/backend.ts'

/** A backend, and what can be done to it that the port has no method for. What a feature calls for has to be there. */
export interface BackendUnderTest {
  readonly backend: BusBackend
  /**
   * Another backend on what this one has stored, as a process would open it that begins now. For `durable`, and for
   * `takeover`.
   */
  readonly reopen?: (() => BusBackend | Promise<BusBackend>) | undefined
  /**
   * Starts a process of its own that consumes as a group, takes one delivery at a time, and never ends it. For
   * `takeover`.
   */
  readonly startVictim?: ((group: string) => Promise<Victim>) | undefined
  /**
   * Starts a process of its own that consumes as a group, with several hands, and ends its deliveries at once; but it
   * dies by SIGKILL over an event of this name. Where an event is given up that has killed too many.
   */
  readonly startMortal?: ((group: string, lethalName: string) => Promise<Mortal>) | undefined
  /**
   * Starts a process of its own that publishes again and again, so many events together, all of this name and without
   * a key. Their data say which time it is, and which of them each is: `{ batch, n }`, both from 0.
   */
  readonly startPublisher?: ((name: string, size: number) => Promise<VictimPublisher>) | undefined
  /** Restarts the server behind the backend, and resolves when it is back. For brokers. */
  readonly restart?: (() => Promise<void>) | undefined
  /** Puts something among the stored events that is no event, for all groups to find. For stores that others can write to. */
  readonly poison?: (() => Promise<void>) | undefined
  /** Removes what was made for the test. The backends are closed by then. */
  readonly dispose?: (() => void | Promise<void>) | undefined
}

/** A process that will be killed. */
export interface Victim {
  /** Resolves when it has so many deliveries in its hands. */
  holds(count: number): Promise<void>
  /** Ends it with SIGKILL, and resolves when it has ended. */
  kill(): Promise<void>
}

/** A process that dies by itself. */
export interface Mortal {
  /** Resolves when it has died. */
  died(): Promise<void>
  /** Ends it with SIGKILL, if it is still there, and resolves when it has ended. */
  kill(): Promise<void>
}

/** A publisher that will be killed. */
export interface VictimPublisher {
  /** Resolves when it has published so many times. */
  published(times: number): Promise<void>
  /** Ends it with SIGKILL, and resolves when it has ended. */
  kill(): Promise<void>
}

/** Gives a backend that nobody has used. Each case asks for one of its own. */
export type MakeBackend = () => BusBackend | BackendUnderTest | Promise<BusBackend | BackendUnderTest>

export interface BusBackendConformanceOptions {
  /** How long a case waits for something to happen, in milliseconds. 15000 unless given. */
  readonly timeoutMs?: number | undefined
  /** How many times as many events as usual there are. 1 unless given; more for a stress test. */
  readonly scale?: number | undefined
}
