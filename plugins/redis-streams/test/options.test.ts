import { redisPubSub, redisStreams } from '@eventsets/redis-streams'
import { Redis } from 'ioredis'
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
    ['partition', 'partitions'],
    ['channel', 'stream'],
    ['host', 'url'],
  ])('%s leads to the one that is meant: %s', (written, meant) => {
    expect(saidOf(redisStreams, { [written]: 1 })).toEqual({
      [written]: `is not a known option; did you mean "${meant}"?`,
    })
  })

  it.each([
    ['group', 'group'],
    ['concurrency', 'concurrency'],
    ['retry', 'retry'],
    ['retry_policy', 'retry'],
    ['source', 'source'],
  ])('%s leads to the bus, which has it', (written, name) => {
    expect(saidOf(redisStreams, { [written]: 1 })).toEqual({
      [written]: `is an option of the bus: new EventBus({ ${name}: ..., backend })`,
    })
  })

  it('about a pool is not needed', () => {
    const message = expect.stringMatching(/^is not needed, .*"concurrency" of the bus .*"maxLen"/)
    expect(saidOf(redisStreams, { max_size: 1, min_size: 1 })).toEqual({
      max_size: message,
      min_size: message,
    })
    expect(saidOf(redisPubSub, { max_size: 1 })).toEqual({
      max_size: expect.stringContaining('"maxWaiting"'),
    })
  })

  it('has all others named, where nothing is like it', () => {
    expect(saidOf(redisStreams, { colour: 1 })).toEqual({
      colour: expect.stringMatching(/^is not a known option; known are url, client, stream, streams, /),
    })
    expect(saidOf(redisPubSub, { stream: 'x' })).toEqual({
      stream: 'is not a known option; did you mean "channel"?',
    })
    expect(saidOf(redisPubSub, { stream_name: 1, leaseMs: 1 })).toEqual({
      stream_name: 'is not a known option; did you mean "channel"?',
      leaseMs: expect.stringMatching(/^is not a known option; known are url, client, channel, /),
    })
  })
})

describe('an option that is wrong', () => {
  it('has said what was given', () => {
    expect(
      saidOf(redisStreams, {
        leaseMs: '15s',
        partitions: 0,
        overflow: 'drop\u001b[2J',
        consumer: ['a'],
        blockMs: Number.NaN,
        stream: Promise.resolve('a'),
      }),
    ).toEqual({
      leaseMs: 'expected whole milliseconds, 100 or more, got "15s"',
      partitions: 'expected a whole number from 1 to 256, got 0',
      overflow: 'expected "wait" or "error", got "drop\\u001b[2J"',
      consumer: expect.stringMatching(/, got a list$/),
      blockMs: 'expected whole milliseconds, 1 or more, got NaN',
      stream: expect.stringMatching(/, got a promise$/),
    })
  })

  it.each([
    ['redis://localhost:6379', 'an object, got a URL'],
    [undefined, 'neither "url" nor "client" is given'],
    [{}, 'neither "url" nor "client" is given'],
    [{ url: 'redis://x', client: new Redis({ lazyConnect: true }) }, 'both "url" and "client" are given'],
    [{ client: new Redis({ lazyConnect: true, db: Number.NaN }) }, 'its "db" is no number of a database'],
    [{ client: {} }, 'expected a client of ioredis, got an object'],
  ])('%o is told why', (options, why) => {
    expect(() => redisStreams(options as never)).toThrow(why)
    expect(() => redisPubSub(options as never)).toThrow(why)
  })
})

describe('a URL', () => {
  const SECRET = 's3cret'

  it.each([
    [
      'redis://host/logs',
      /number of a database; "stream" is an option, and a URL with a name is for log lines$/,
    ],
    ['redis://host/2/logs', /"stream" is an option/],
    ['redis://host/1abc', /"stream" is an option/],
    ['redis://host/-1', /"stream" is an option/],
    ['redis://host?db=abc', /its "db" is no whole number$/],
    ['redis://host/1?db=2', /it names a database twice$/],
    ['redis://host?retries=3', /only "db" and "family" are known/],
    [`redis://shop:${SECRET}#x@host`, /cannot be read|number sign/],
    [`redis://shop:${SECRET}%@host`, /a percent sign is written as %25$/],
    [`redis://shop:${SECRET}@host/0?db=1#x`, /names a database twice; .*number sign/],
    [`shop:${SECRET}@host:6379`, /does not begin with redis:\/\/ or rediss:\/\/$/],
    [`http://shop:${SECRET}@host:6379`, /does not begin with redis:\/\/ or rediss:\/\/$/],
  ])('%s is refused before anything is connected, without its password', (url, why) => {
    const { url: said } = saidOf(redisStreams, { url })

    expect(said).toMatch(/^expected a URL such as "redis:\/\/localhost:6379": /)
    expect(said).toMatch(why)
    expect(said).not.toContain(SECRET)
  })

  it('with a name leads to the option that names it', () => {
    expect(saidOf(redisPubSub, { url: 'redis://host/news' })['url']).toContain('"channel" is an option')
  })

  it.each(['redis://host', 'redis://host/', 'rediss://u:p%40@host:1/15', 'redis://[::1]:1?family=6&db=2'])(
    '%s is taken',
    (url) => {
      expect(saidOf(redisStreams, { url })).toEqual({})
    },
  )
})
