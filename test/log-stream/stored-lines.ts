import { expect } from 'vitest'
import type { RedisServer } from '../../plugins/redis-streams/test/redis-server.ts'

/** The lines of a stream, in their order. */
export async function storedLines({ admin }: RedisServer, key = 'logs'): Promise<Buffer[]> {
  const lines: Buffer[] = []
  for (let start = '-'; ; ) {
    const page = (await admin.callBuffer('XRANGE', key, start, '+', 'COUNT', '5000')) as [
      id: Buffer,
      fields: Buffer[],
    ][]
    for (const [, fields] of page)
      lines.push(fields[fields.findIndex((name) => `${name}` === 'line') + 1] as Buffer)
    const last = page.at(-1)
    if (!last) return lines
    start = `(${last[0]}`
  }
}

/** The numbers of lines that the logger of the tests has written, and -1 for others. */
export function numbersOf(lines: readonly Buffer[]): number[] {
  return lines.map((line) => Number(/^\{"level":30,"n":(\d+),"msg":"x*"\}$/.exec(`${line}`)?.[1] ?? -1))
}

/** The number of the last line; nothing where there is none. */
export async function lastNumber({ admin }: RedisServer, key = 'logs'): Promise<number | undefined> {
  const [[, fields] = []] = await admin.xrevrange(key, '+', '-', 'COUNT', 1)
  return fields && numbersOf([Buffer.from(fields[1] ?? '')])[0]
}

/** Fails where the numbers are not all from `first` to before `end`, in order, and says where. */
export function expectInOrder(numbers: readonly number[], first: number, end: number): void {
  const at = numbers.findIndex((number, index) => number !== first + index)

  expect({ count: numbers.length, wrong: at === -1 ? [] : numbers.slice(at, at + 5), at }).toEqual({
    count: end - first,
    wrong: [],
    at: -1,
  })
}
