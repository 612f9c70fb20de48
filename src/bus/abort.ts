const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back when a signal is aborted; the returned function takes that back. A signal has one listener of ours, however
 * many wait for it: Node warns of more than ten, and each costs more than an entry in a set.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listenTo(signal)
  // A function of its own, since one callback may wait twice.
  const entry = () => callback()
  callbacks.add(entry)
  return () => void callbacks.delete(entry)
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>()
  waiting.set(signal, callbacks)
  const ring = () => {
    waiting.delete(signal)
    for (const callback of [...callbacks]) callback()
  }
  signal.addEventListener('abort', ring, { once: true })
  return callbacks
}
