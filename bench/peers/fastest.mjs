const WARM_UP_MS = 300
const MEASURE_MS = 500

/**
 * Nanoseconds an item: the fastest time of each batch, over warm code. What else the machine does can only slow a
 * batch down, and the question here is how one figure differs from another by a tenth.
 */
export function fastestNsPerItem(batches, itemCount, run) {
  const warmUntil = performance.now() + WARM_UP_MS
  while (performance.now() < warmUntil) for (const batch of batches) run(batch)
  const fastest = batches.map(() => Number.POSITIVE_INFINITY)
  const measureUntil = performance.now() + MEASURE_MS
  while (performance.now() < measureUntil) {
    for (const [index, batch] of batches.entries()) {
      const start = process.hrtime.bigint()
      run(batch)
      fastest[index] = Math.min(fastest[index], Number(process.hrtime.bigint() - start))
    }
  }
  return fastest.reduce((sum, ns) => sum + ns, 0) / itemCount
}
