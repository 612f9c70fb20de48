import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runApp, temporaryFolder } from '../fixtures/apps/run-app.ts'
import { orders } from '../fixtures/orders.ts'

const COUNT = 20_000

test.each(['natural', 'exit'])('it hands every line on to pino-pretty when the end is %s', async (end) => {
  const { stdout, status } = await runApp('many-lines', {
    transport: {
      pipeline: [
        { target: 'eventsets', options: { sets: [orders], markers: 'message' } },
        { target: 'pino-pretty', options: { colorize: false, singleLine: true } },
      ],
    },
    count: COUNT,
    end,
  })

  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(COUNT)
  expect(lines[0]).toBe('INFO: [💰] order {"n":0,"state":"paid","order.ok":true}')
  expect(lines.at(-1)).toContain(`"n":${COUNT - 1}`)
  expect(status).toBe(0)
})

test.each(['natural', 'exit'])('it hands every line on to pino/file when the end is %s', async (end) => {
  const destination = join(temporaryFolder(), 'app.log')
  const { status } = await runApp('many-lines', {
    transport: {
      pipeline: [
        { target: 'eventsets', options: { sets: [orders] } },
        { target: 'pino/file', options: { destination } },
      ],
    },
    count: COUNT,
    end,
  })

  const records = readFileSync(destination, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(records.map(({ n }) => n)).toEqual(Array.from({ length: COUNT }, (_, n) => n))
  expect(records.every(({ markers }) => markers[0] === '💰')).toBe(true)
  expect(status).toBe(0)
})

test('it writes by itself as the last stage', async () => {
  const { stdout, status } = await runApp('log-records', {
    logger: { base: null, timestamp: false },
    transport: { pipeline: [{ target: 'eventsets' }] },
    records: [{ object: { res: { statusCode: 200 } }, message: 'done' }],
    end: 'exit',
  })

  expect(stdout).toBe('INFO: [✅] done\n    res: {\n      "statusCode": 200\n    }\n')
  expect(status).toBe(0)
})

test('it shows the markers that an earlier stage put into the records, and does not add them again', async () => {
  const { stdout } = await runApp('many-lines', {
    transport: {
      pipeline: [
        { target: 'eventsets', options: { sets: [orders], metadata: false } },
        { target: 'eventsets', options: { sets: [orders] } },
      ],
    },
    count: 1,
    end: 'exit',
  })

  expect(stdout).toBe('INFO: [💰] order\n    n: 0\n    state: "paid"\n')
})

test('it works in a pipeline that is one of several targets, with a level', async () => {
  const folder = temporaryFolder()
  const destination = join(folder, 'app.log')
  const { stdout, status } = await runApp('log-records', {
    logger: { base: null, timestamp: false },
    transport: {
      targets: [
        { target: 'eventsets', options: { sets: [orders], hideObject: true } },
        {
          level: 'error',
          pipeline: [
            { target: 'eventsets', options: { sets: [orders], metadata: false } },
            { target: 'pino/file', options: { destination } },
          ],
        },
      ],
    },
    records: [
      { object: { state: 'paid' }, message: 'one' },
      { level: 'error', object: { state: 'lost' }, message: 'two' },
    ],
    end: 'exit',
  })

  expect(stdout).toBe('INFO: [💰] one\nERROR: [💥] two\n')
  expect(readFileSync(destination, 'utf8')).toBe('{"level":50,"state":"lost","msg":"two","markers":["💥"]}\n')
  expect(status).toBe(0)
})
