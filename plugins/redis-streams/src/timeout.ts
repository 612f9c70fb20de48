/** What setTimeout can wait for, in milliseconds; it takes more for nothing at all. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** Waits for something, but not longer than that. */
export async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(0, ms), MAX_TIMEOUT_MS))
  })
  await Promise.race([promise, end])
  clearTimeout(timer)
}
