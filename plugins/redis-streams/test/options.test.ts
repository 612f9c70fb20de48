import { redisPubSub, redisStreams } from '@eventsets/redis-streams'
import { describe, expect, it } from 'vitest'

/** What is said of options that there are not, by their names. */
function saidOf(make: (options: never) => unknown, options: object): Record<string, string> {
  try {
    make({ url: 'redis://x', ...options } as never)
  } catch (error) {
    const { issues } = error as { readonly issues: readonly { path: string; message: string }[] }
    return Object.fromEntries(issues.map(({ path, message }) => [path, message]))
  }
  return {}
}

describe('an option that there is not', () => {
  it.each([
    ['claimIdleMs', 'leaseMs'],
    ['claim_idle', 'leaseMs'],
    ['minIdleMs', 'leaseMs'],
    ['lease', 'leaseMs'],
    ['block', 'blockMs'],
    ['BLOCK', 'blockMs'],
    ['count', 'batch'],
    ['maxlen', 'maxLen'],
    ['queue_name', 'stream'],
    ['timeout', 'timeoutMs'],
  ])('%s leads to the one that is meant: %s', (written, meant) => {
    expect(saidOf(redisStreams, { [written]: 1 })).toEqual({
      [written]: `is not a known option; did you mean "${meant}"?`,
    })
  })

  it.each(['group', 'concurrency', 'retry', 'source'])('%s leads to the bus, which has it', (name) => {
    expect(saidOf(redisStreams, { [name]: 1 })).toEqual({
      [name]: `is an option of the bus: new EventBus({ ${name}: ..., backend })`,
    })
  })

  it('has all others named, where nothing is like it', () => {
    expect(saidOf(redisStreams, { colour: 1 })).toEqual({
      colour: expect.stringMatching(/^is not a known option; known are url, client, stream, streams, /),
    })
    expect(saidOf(redisPubSub, { stream_name: 1, leaseMs: 1 })).toEqual({
      stream_name: 'is not a known option; did you mean "channel"?',
      leaseMs: expect.stringMatching(/^is not a known option; known are url, client, channel, /),
    })
  })
})
