import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { hasCommand } from '../servers/command.ts'
import { load } from './load.ts'

const { REDIS, versionOf, withServer } = await load('servers.mjs')
const brokers = await load('brokers.mjs')

interface Given {
  readonly port: number
  readonly pid: number
  readonly folder: string
}

describe.runIf(hasCommand('redis-server', 'the benchmark of servers'))('a server for a benchmark', () => {
  it('answers on a port of its own, and has nothing in it', async () => {
    const found = await withServer(REDIS, async ({ port, folder }: Given) => {
      const client = new Redis(port)
      const size = await client.dbsize()
      client.disconnect()
      return { size, isThere: existsSync(folder) }
    })

    expect(found).toEqual({ size: 0, isThere: true })
  })

  it('is stopped and leaves nothing behind, also where its use has failed', async () => {
    let given: Given | undefined
    const use = async (server: Given) => {
      given = server
      throw new Error('a peer has failed')
    }

    await expect(withServer(REDIS, use)).rejects.toThrow('a peer has failed')
    expect(existsSync(given?.folder ?? '')).toBe(false)
    expect(() => process.kill(given?.pid ?? 0, 0)).toThrow('ESRCH')
  })

  it('may end at once, which is an error and no long wait', async () => {
    const broken = { ...REDIS, argumentsFor: () => ['--no-such-option', 'yes'] }

    await expect(withServer(broken, () => 'used')).rejects.toThrow('redis-server has ended by itself')
  })

  it('has a version', () => {
    expect(versionOf(REDIS)).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

describe('the benchmark of servers', () => {
  it('says that nothing was measured where there is no server, and what is missing', async () => {
    withoutCommands()
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => written.mockRestore())
    const report = await brokers.run({ rounds: 1, onProgress: () => {} })

    expect(report).toMatchObject({ tables: [], reached: {} })
    expect(report.notes.join()).toContain('redis-server is not installed')
    expect(String(written.mock.calls)).toContain('NOT MEASURED')
  })
})

describe('what a benchmark installs', () => {
  it('is left out where that fails, which is said', async () => {
    const { ensurePackage } = await load('extra-packages.mjs')
    withoutCommands()
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => written.mockRestore())

    expect(ensurePackage(`absent-${process.pid}`, { [`absent-${process.pid}`]: '1.0.0' })).toBeUndefined()
    expect(String(written.mock.calls)).toContain('NOT MEASURED')
  })
})

describe('events for servers', async () => {
  const { inBatches, inFlight, storedAt, TOGETHER } = await load('peers/broker-events.mjs')

  it('are a hundred in flight, the next one as soon as one has ended', async () => {
    const begun: number[] = []
    const ends: (() => void)[] = []
    const all = inFlight(0, 250, (index: number) => {
      begun.push(index)
      return new Promise<void>((resolve) => ends.push(resolve))
    })

    expect(begun).toHaveLength(TOGETHER)
    ends[7]?.()
    await vi.waitFor(() => expect(begun).toHaveLength(TOGETHER + 1))
    for (let at = 0; at < 250; at++) {
      await vi.waitFor(() => expect(ends.length).toBeGreaterThan(at))
      ends[at]?.()
    }
    await all
    expect(begun).toEqual(Array.from({ length: 250 }, (_, index) => index))
  })

  it('are all in batches, and no more than there are', async () => {
    const batches: number[][] = []
    await inBatches(10, 35, 10, async (numbers: number[]) => batches.push(numbers))

    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual(Array.from({ length: 25 }, (_, index) => index + 10))
  })

  it('have ids of their own, and keys where they are asked for', () => {
    const [one, other] = [storedAt(1), storedAt(1, true)]

    expect(one.id).not.toBe(other.id)
    expect([one.key, other.key]).toEqual([undefined, 'customer-1'])
  })
})

function withoutCommands() {
  vi.stubEnv('PATH', '/nonexistent')
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
}
