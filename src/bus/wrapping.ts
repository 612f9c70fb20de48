/** Gives a wrapper the name and the length of what it wraps: a handler goes by the name of its function. */
export function dressAs<Wrapper extends (...args: never[]) => unknown>(
  wrapper: Wrapper,
  wrapped: (...args: never[]) => unknown,
): Wrapper {
  Object.defineProperty(wrapper, 'name', { value: wrapped.name, configurable: true })
  Object.defineProperty(wrapper, 'length', { value: wrapped.length, configurable: true })
  return wrapper
}

/** For what goes wrong in the background where nobody has asked to be told: it must not end the process, nor be lost. */
export function warnAbout(what: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  process.emitWarning(`${what}: ${reason}`, { type: 'EventsetsWarning' })
}
