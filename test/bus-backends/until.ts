import type { BusBackend } from 'eventsets/bus'

/** Waits until something is so that nobody tells of: it is looked again and again. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Waits until nothing waits for any group, and nobody has anything in hand. */
export async function untilIdle(backend: BusBackend): Promise<void> {
  await until(async () => {
    const { status, queueDepth, inFlight } = await backend.health()
    return status === 'healthy' && queueDepth === 0 && inFlight === 0
  })
}
