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

/** Gives a backend that nobody has used. Each case asks for one of its own. */
export type MakeBackend = () => BusBackend | BackendUnderTest | Promise<BusBackend | BackendUnderTest>

export interface BusBackendConformanceOptions {
  /** How long a case waits for something to happen, in milliseconds. 15000 unless given. */
  readonly timeoutMs?: number | undefined
  /** How many times as many events as usual there are. 1 unless given; more for a stress test. */
  readonly scale?: number | undefined
}
