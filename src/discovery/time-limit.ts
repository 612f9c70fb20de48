/**
 * The limit for a second step, after a first one that began at `begunMs` (of `performance.now()`) with the same limit.
 *
 * Together they must not take much longer than one: a process that ends gives its logger ten seconds, and lines that
 * wait for discovery longer than that are lost.
 */
export function limitAfter(limitMs: number, begunMs: number): number {
  const isFirstQuick = performance.now() - begunMs < limitMs / 4
  return isFirstQuick ? limitMs : Math.ceil(limitMs / 4)
}
