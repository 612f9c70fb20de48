import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { openServer } from './harness.ts'
import { hasRedisServer } from './redis-server.ts'

it.runIf(hasRedisServer)(
  'still finds the timer of ioredis that outlives its connection where it looks for it',
  async () => {
    const server = await openServer()
    const client = new Redis(server.url, { socketTimeout: 60_000, retryStrategy: () => null })
    onTestFinished(() => client.disconnect())
    await client.ping()
    const owed = client.blpop('nothing', 0).catch(() => {})
    const closed = new Promise((resolve) => client.once('close', resolve))
    await server.kill()
    await closed
    await owed

    // Should it be gone by itself: then "forgetTimer" in socket-timer.ts is not needed any more.
    const { socketTimeoutTimer: timer } = client as unknown as {
      readonly socketTimeoutTimer?: NodeJS.Timeout
    }
    onTestFinished(() => clearTimeout(timer))
    expect(timer?.hasRef()).toBe(true)
  },
)
