import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const example = join(root, 'examples/event-bus')

const TEA = { id: 'tea', item: 'teapot', quantity: 1, email: 'ada@example.org', card: 'mine' }

describe('an order', () => {
  it('is reserved, paid and confirmed one after another, and told in the log with markers', async () => {
    const { shop, provider } = await openShop()
    const stream = await shop.listen('/events')

    const { status, headers, body } = await shop.send('POST', '/orders', TEA, { 'x-request-id': 'request-1' })
    await stream.until('order.paid', 'tea')
    await eventually(() => shop.lines()).toContain('INFO: [📈][🔄] revenue: 30.00 € more')

    expect(status).toBe(201)
    expect(Object.fromEntries(headers)).toMatchObject({
      location: '/orders/tea',
      'x-request-id': 'request-1',
    })
    expect(body).toEqual({ id: 'tea', eventId: stream.heard[0]?.id })
    expect((await shop.send('GET', '/orders/tea')).body).toEqual({
      id: 'tea',
      item: 'teapot',
      quantity: 1,
      cents: 3000,
      state: 'paid',
    })
    expect([...provider.charges]).toEqual([[stream.heard[0]?.id, 3000]])
    expect(shop.lines().slice(1)).toEqual([
      'INFO: [🆕][✅] order.placed tea (request-1)',
      'INFO: [🙋][📤] mail to ada@example.org: Your order tea',
      'INFO: [📥][✅] order.paid tea (request-1)',
      'INFO: [📈][🔄] revenue: 30.00 € more',
    ])
  })

  it('is not charged when the stock does not suffice', async () => {
    const { shop, provider } = await openShop()
    const stream = await shop.listen('/events')

    await shop.send('POST', '/orders', { ...TEA, quantity: 11 })
    await stream.until('order.cancelled', 'tea')

    expect((await shop.send('GET', '/orders/tea')).body).toMatchObject({ state: 'cancelled' })
    await eventually(() => shop.lines()).toContainEqual(
      expect.stringMatching(/^WARN: \[🛑\]\[🚫\] order\.cancelled tea: sold out/u),
    )
    expect(provider.requests).toEqual([])
  })

  it('is cancelled at the first try when the card is refused, and what was reserved goes back', async () => {
    const { shop, provider } = await openShop()
    const stream = await shop.listen('/events')

    await shop.send('POST', '/orders', { ...TEA, quantity: 10, card: 'stolen' })
    await stream.until('order.cancelled', 'tea')
    await shop.send('POST', '/orders', { ...TEA, id: 'more', quantity: 10 })
    await stream.until('order.paid', 'more')

    expect(provider.requests).toHaveLength(2)
    expect((await shop.send('GET', '/dead-letters')).body).toEqual([])
  })

  it('that is wrong is refused with every issue, and nothing is published', async () => {
    const { shop } = await openShop()

    const wrong = { id: 'no id', item: 'piano', quantity: 0, email: 'nobody', gift: true }
    const { status, body } = await shop.send('POST', '/orders', wrong)

    expect(status).toBe(400)
    expect(body.issues.map(({ path }: { path: string }) => path)).toEqual([
      'id',
      'item',
      'quantity',
      'email',
      'card',
      '',
    ])
    expect(await shop.metric('eventsets_bus_events_delivered_total', 'order.placed')).toBeUndefined()
  })

  it('that is there already is refused, and published once', async () => {
    const { shop } = await openShop()
    const stream = await shop.listen('/events')

    await shop.send('POST', '/orders', TEA)
    await stream.until('order.paid', 'tea')
    const again = await shop.send('POST', '/orders', { ...TEA, quantity: 2 })
    await shop.send('POST', '/orders', { ...TEA, id: 'last' })
    await stream.until('order.paid', 'last')

    expect(again.status).toBe(409)
    expect(stream.heard.filter(({ event }) => event === 'order.placed').map(({ data }) => data)).toEqual([
      { id: 'tea' },
      { id: 'last' },
    ])
    expect((await shop.send('GET', '/orders/tea')).body).toMatchObject({ quantity: 1 })
  })

  it('keeps the id of its trace where the request has no id of its own', async () => {
    const { shop } = await openShop()
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const send = (id: string, headers: Record<string, string>) =>
      shop.send('POST', '/orders', { ...TEA, id }, headers)

    const traced = await send('traced', { traceparent: `00-${trace}-b7ad6b7169203331-01` })
    const hostile = await send('hostile', { 'x-request-id': 'a b', traceparent: 'none' })
    await eventually(() => shop.lines()).toContain(`INFO: [📥][✅] order.paid traced (${trace})`)

    expect(traced.headers.get('x-request-id')).toBe(trace)
    expect(hostile.status).toBe(201)
    expect(hostile.headers.get('x-request-id')).toBe(hostile.body.eventId)
  })
})

describe('a payment that fails', () => {
  it('is tried three times, becomes a dead letter, and is replayed when the provider is back', async () => {
    const { shop, provider } = await openShop()
    const stream = await shop.listen('/events')
    provider.answer = 503

    await shop.send('POST', '/orders', TEA)
    const letters = () => shop.send('GET', '/dead-letters').then(({ body }) => body)
    await eventually(letters).toHaveLength(1)
    const [letter] = await letters()
    const poorly = await shop.send('GET', '/healthz')

    expect(letter).toMatchObject({
      event: 'order.placed',
      order: 'tea',
      handler: 'takePayment',
      reason: 'the payment provider answers 503',
      attempts: 3,
    })
    expect(JSON.stringify(letter)).not.toContain('mine')
    expect(poorly).toMatchObject({
      status: 200,
      body: { status: 'degraded', reasons: ['Dead letters: 1.'] },
    })
    await eventually(() => shop.lines()).toContainEqual(
      expect.stringMatching(/^ERROR: \[❌\] handler\.failed: the payment provider answers 503/u),
    )

    provider.answer = 201
    expect((await shop.send('POST', `/dead-letters/${letter.id}/replay`)).status).toBe(202)
    await stream.until('order.paid', 'tea')
    await eventually(() => shop.metric('eventsets_bus_events_handled_total', 'order.paid')).toBe(1)

    expect(await letters()).toEqual([])
    expect((await shop.send('GET', '/healthz')).body.status).toBe('healthy')
    expect((await shop.send('POST', `/dead-letters/${letter.id}/replay`)).status).toBe(404)
    expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(1)
    expect(provider.charges.size).toBe(1)
    expect(await shop.metric('eventsets_bus_handler_calls_total', 'takePayment')).toBe(4)
    expect(await shop.metric('eventsets_bus_handler_failures_total', 'takePayment')).toBe(3)
    expect(await shop.metric('eventsets_bus_handler_retries_total', 'takePayment')).toBe(2)
    expect(await shop.metric('eventsets_bus_handler_calls_total', 'reserveStock')).toBe(1)
    expect(await shop.metric('eventsets_bus_handler_calls_total', 'sendConfirmation')).toBe(1)
    expect(await shop.metric('eventsets_bus_dead_letters', 'sqlite')).toBe(0)
  })

  it('can be dropped', async () => {
    const { shop, provider } = await openShop()
    provider.answer = 503

    await shop.send('POST', '/orders', TEA)
    await eventually(async () => (await shop.send('GET', '/dead-letters')).body).toHaveLength(1)
    const [{ id }] = (await shop.send('GET', '/dead-letters')).body
    const dropped = await shop.send('DELETE', `/dead-letters/${id}`)

    expect(dropped.status).toBe(204)
    expect((await shop.send('DELETE', `/dead-letters/${id}`)).status).toBe(404)
    expect((await shop.send('GET', '/dead-letters')).body).toEqual([])
  })
})

describe('requests that cannot be met', () => {
  it('are answered with the reason, and the shop goes on', async () => {
    const { shop } = await openShop()
    const requests = [
      ['POST', '/orders', '{"id":', 400],
      ['POST', '/orders', '', 400],
      ['POST', '/orders', '[]', 400],
      ['POST', '/orders', JSON.stringify({ ...TEA, card: 'x'.repeat(2_000_000) }), 413],
      ['GET', '/', undefined, 404],
      ['GET', '/customers', undefined, 404],
      ['GET', '/constructor', undefined, 404],
      ['GET', '/orders/none', undefined, 404],
      ['GET', '/orders/none/items', undefined, 404],
      ['GET', '/orders/%', undefined, 404],
      ['POST', '/dead-letters/none/replay', undefined, 404],
      ['PUT', '/orders', '{}', 405],
      ['DELETE', '/orders/none', undefined, 405],
      ['POST', '/metrics', undefined, 405],
      ['GET', '/events?pattern=a..b', undefined, 400],
    ] as const

    for (const [method, path, body, status] of requests) {
      const answer = await fetch(shop.url + path, { method, ...(body === undefined ? {} : { body }) })
      expect([method, path, answer.status]).toEqual([method, path, status])
      const { error } = (await answer.json()) as { readonly error?: unknown }
      expect(error).toBeTruthy()
      if (status === 405) expect(answer.headers.get('allow')).toMatch(/^(GET|POST)$/)
    }
    expect((await shop.send('GET', '/livez')).status).toBe(200)
  })
})

describe('the stream', () => {
  it('tells each event as it is published, and what a client has missed, without cards and addresses', async () => {
    const { shop, provider } = await openShop()
    const all = await shop.listen('/events')
    provider.hold()

    // It does not wait for the payment, which is on its way.
    await shop.send('POST', '/orders', TEA)
    const placed = await all.until('order.placed', 'tea')
    provider.release(201)
    await all.until('order.paid', 'tea')
    await shop.send('POST', '/orders', { ...TEA, id: 'cup' })
    await all.until('order.paid', 'cup')

    const back = await shop.listen('/events?pattern=order.paid', { 'last-event-id': placed.id })
    await back.until('order.paid', 'cup')
    expect(back.heard.map(({ event, data }) => [event, data])).toEqual([
      ['order.paid', { id: 'tea' }],
      ['order.paid', { id: 'cup' }],
    ])
    const lost = await shop.listen('/events', { 'last-event-id': 'long-gone' })
    expect(await lost.next()).toMatchObject({ event: 'eventsets.gap' })
  })
})

describe('the end of the service', () => {
  it('waits for a payment that is being tried, tells so, and goes on with it after the restart', async () => {
    const { shop, provider, restart } = await openShop()
    provider.hold()

    await shop.send('POST', '/orders', TEA)
    await eventually(() => provider.requests).toHaveLength(1)
    const end = shop.stop('SIGTERM')
    await eventually(async () => (await shop.send('GET', '/healthz')).status).toBe(503)
    const late = await shop.send('POST', '/orders', { ...TEA, id: 'late' })
    provider.release(503)

    expect(late.status).toBe(503)
    expect(await end).toEqual([0, null])
    expect(provider.charges.size).toBe(0)

    provider.answer = 201
    const again = await restart()
    await eventually(async () => (await again.send('GET', '/orders/tea')).body.state).toBe('paid')
    expect(provider.requests.map(({ key }) => key)).toHaveLength(2)
    expect(new Set(provider.requests.map(({ key }) => key)).size).toBe(1)
    expect((await again.send('GET', '/dead-letters')).body).toEqual([])
    expect((await again.send('GET', '/orders/late')).status).toBe(404)
  })

  it('lets a payment that succeeds meanwhile come to its end', async () => {
    const { shop, provider, restart } = await openShop()
    provider.hold()

    await shop.send('POST', '/orders', TEA)
    await eventually(() => provider.requests).toHaveLength(1)
    const end = shop.stop('SIGTERM')
    await eventually(async () => (await shop.send('GET', '/healthz')).status).toBe(503)
    provider.release(201)

    expect(await end).toEqual([0, null])
    const again = await restart()
    expect((await again.send('GET', '/orders/tea')).body.state).toBe('paid')
    expect(provider.requests).toHaveLength(1)
  })

  it('ends streams that are open, and on SIGINT too', async () => {
    const { shop } = await openShop()
    const stream = await shop.listen('/events')

    const end = shop.stop('SIGINT')

    expect(await stream.next()).toMatchObject({ event: 'eventsets.end', data: { reason: 'closed' } })
    expect(await end).toEqual([0, null])
  })
})

describe('a process that is killed', () => {
  it('loses no event between the commit and its publication, and none is handled twice', async () => {
    const folder = openFolder()
    const database = join(folder, 'shop.db')
    const placing = spawnSync(process.execPath, ['--input-type=module', '-e', PLACE_AND_DIE], {
      cwd: example,
      env: { ...process.env, DATABASE: database },
      encoding: 'utf8',
    })
    expect({ signal: placing.signal, stderr: placing.stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })

    const { shop, provider } = await openShop(folder)
    await eventually(async () => (await shop.send('GET', '/orders/tea')).body.state).toBe('paid')
    await eventually(() => shop.metric('eventsets_bus_events_handled_total', 'order.paid')).toBe(1)

    expect(await shop.metric('eventsets_bus_events_delivered_total', 'order.placed')).toBe(1)
    expect(provider.charges.size).toBe(1)
    // Of the one that was rolled back there is neither row nor event.
    expect((await shop.send('GET', '/orders/never')).status).toBe(404)
  })

  it('has its payment tried again, and the card is charged once', async () => {
    const { shop, provider, restart } = await openShop()
    provider.hold()

    await shop.send('POST', '/orders', TEA)
    await eventually(() => provider.requests).toHaveLength(1)
    await shop.stop('SIGKILL')
    provider.release(201)
    const again = await restart()
    const paid = async () => (await again.send('GET', '/orders/tea')).body.state
    await eventually(paid).toBe('paid')

    expect(provider.requests).toHaveLength(2)
    expect(provider.charges.size).toBe(1)
  })
})

describe('the types', () => {
  it('find nothing wrong with the example', () => {
    const { stdout, status } = compile(example)

    expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  })

  it('know the names of the events, and their data', () => {
    const folder = openFolder()
    const program = [
      `import { createBus } from ${JSON.stringify(join(example, 'events.mjs'))}`,
      'const bus = createBus({})',
      `bus.publish('order.paid', { id: 'tea', cents: 1 })`,
      `bus.publish('order.payed', { id: 'tea', cents: 1 })`,
      `bus.publish('order.paid', { id: 17, cents: 1 })`,
      `bus.publish('order.paid', { id: 'tea' })`,
      `bus.on('orders.*', () => {})`,
      `bus.on('order.paid', ({ data }) => data.total)`,
      `bus.on('order.paid', (_, { publish }) => publish('order.cancelled', { id: 'tea' }))`,
    ]
    writeFileSync(join(folder, 'wrong.mjs'), program.join('\n'))
    const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')] }
    const configuration = { extends: join(example, 'tsconfig.json'), compilerOptions, include: ['wrong.mjs'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configuration))

    const { stdout } = compile(folder)

    const wrongLines = [...stdout.matchAll(/^wrong\.mjs\((\d+),/gm)].map(([, line]) => Number(line))
    expect(wrongLines).toEqual([4, 5, 6, 7, 8, 9])
  })
})

describe('the story of npm run example:bus', () => {
  it('comes out as it should, and ends by itself', async () => {
    const { stdout, stderr, exitCode } = await tell()

    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(stdout).not.toContain('\u001b')
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining([
        'INFO: [🆕][✅] order.placed tea (request-1)',
        'INFO: [📥][✅] order.paid tea (request-1)',
        'WARN: [🛑][🚫] order.cancelled loot: the card was refused (request-4)',
        'WARN: [💳][🔁] payment of cups: try 3',
        'ERROR: [❌] handler.failed: the payment provider answers 503 (request-5)',
        'INFO: [📥][✅] order.paid cups (request-5)',
      ]),
    )
    expect(stdout).toContain('\n→ POST /orders 400\n  id: ')
    expect(stdout).toContain('\n→ POST /orders 409\n')
    expect(stdout).toContain(
      '  dead letter: takePayment of order.placed, 3 tries, the payment provider answers 503\n',
    )
    expect(stdout).toContain('  health: degraded. Dead letters: 1.\n')
    expect(stdout).toContain('  health: healthy\n')
    expect(stdout.match(/^~ order\.paid \{"id":"cups"\}$/gm)).toHaveLength(2)
    expect(stdout).toMatch(/^ {2}eventsets_bus_handler_calls_total\{.*handler="takePayment".*\} 6$/m)
  })

  it('fails when something does not: here nobody tells that a payment waits', async () => {
    const program = `const { fetch } = globalThis
      globalThis.fetch = (url, options) => fetch(String(url).replace('/healthz', '/livez'), options)`

    const { stderr, exitCode } = await tell('--import', `data:text/javascript,${encodeURIComponent(program)}`)

    expect(exitCode).toBe(1)
    expect(stderr).toContain('run.mjs')
  })
})

/** Runs the story. */
async function tell(...options: readonly string[]) {
  const words = [...options, 'examples/event-bus/run.mjs']
  const child = spawn(process.execPath, words, { cwd: root, env: plainEnvironment() })
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { stdout, stderr, exitCode }
}

/** Commits an order, and rolls back another one, in a process that handles nothing and is killed at once. */
const PLACE_AND_DIE = `
  import { sqliteBackend } from 'eventsets/bus'
  import Database from 'libsql'
  import { createBus } from './events.mjs'
  import { openOrders } from './orders.mjs'

  const path = process.env.DATABASE
  const database = new Database(path)
  const backend = sqliteBackend({ database })
  const bus = createBus({ backend })
  const orders = openOrders({ path, database, bus, outbox: backend.outbox })
  const order = ${JSON.stringify(TEA)}
  await orders.place({ ...order, id: 'never', email: 'nobody' }, {}).then(
    () => console.error('An order with a wrong address was taken.'),
    () => {},
  )
  await orders.place(order, {})
  process.kill(process.pid, 'SIGKILL')
`

/** Starts the service as its users do, with a payment provider of the test's. */
async function openShop(folder = openFolder()) {
  const provider = await openProvider()
  const start = () => startService(join(folder, 'shop.db'), provider.url)
  return { shop: await start(), provider, restart: start }
}

async function startService(database: string, paymentUrl: string) {
  const environment = { ...plainEnvironment(), DATABASE: database, PAYMENT_URL: paymentUrl, PORT: '0' }
  const child = spawn(process.execPath, ['examples/event-bus/server.mjs'], { cwd: root, env: environment })
  const closed = once(child, 'close')
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk
  })
  onTestFinished(async () => {
    await stop(child, 'SIGKILL', closed)
    expect(stderr).toBe('')
  })
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /the shop listens on (http:\S+)/.exec(stdout)?.[1]
      if (found) resolve(found)
    }
    child.stdout.on('data', look)
    void closed.then(() => reject(new Error(`The service has ended:\n${stdout}${stderr}`)))
  })

  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const given = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, headers, ...given })
    const content = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      body: content === '' ? undefined : JSON.parse(content),
    }
  }
  return {
    url,
    send,
    lines: () => linesOf(stdout),
    stop: (signal: NodeJS.Signals) => stop(child, signal, closed),
    listen: (path: string, headers: Readonly<Record<string, string>> = {}) => listen(url + path, headers),
    /** The number of a metric where one of its labels has that value. */
    async metric(name: string, label: string): Promise<number | undefined> {
      const answer = await fetch(`${url}/metrics`)
      const found = (await answer.text())
        .split('\n')
        .find((line) => line.startsWith(`${name}{`) && line.includes(`="${label}"`))
      return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ')))
    },
  }
}

async function stop(
  child: ChildProcess,
  signal: NodeJS.Signals,
  closed: Promise<unknown[]>,
): Promise<unknown[]> {
  child.kill(signal)
  return await closed
}

interface Told {
  readonly id: string
  readonly event: string
  readonly data: { readonly id?: string }
}

/** Reads server-sent events. */
async function listen(url: string, headers: Readonly<Record<string, string>>) {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  const { body } = await fetch(url, { headers, signal: controller.signal })
  const events = readEvents(body as ReadableStream<Uint8Array>)
  const heard: Told[] = []
  const next = async (): Promise<Told> => {
    const { value } = await events.next()
    if (!value) throw new Error('The stream has ended.')
    heard.push(value)
    return value
  }
  return {
    heard,
    next,
    async until(event: string, id: string): Promise<Told> {
      for (;;) {
        const told = await next()
        if (told.event === event && told.data.id === id) return told
      }
    },
  }
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    const frames = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const fields = new Map(frame.split('\n').map((line) => line.split(/: (.*)/) as [string, string]))
      const data = fields.get('data')
      if (data === undefined) continue
      yield { id: fields.get('id') ?? '', event: fields.get('event') ?? '', data: JSON.parse(data) }
    }
  }
}

/** A payment provider that answers as it is told to. */
async function openProvider() {
  let isHolding = false
  let onRelease: (() => void)[] = []
  const provider = {
    url: '',
    answer: 201,
    requests: [] as { readonly key: string }[],
    /** What was charged, in cents, by idempotency key. */
    charges: new Map<string, number>(),
    /** From now on requests wait for their answer. */
    hold() {
      isHolding = true
    },
    release(answer: number) {
      isHolding = false
      provider.answer = answer
      for (const release of onRelease) release()
      onRelease = []
    },
  }
  const server = createServer(async (request, response) => {
    const { card, cents } = JSON.parse(await text(request))
    const key = String(request.headers['idempotency-key'])
    provider.requests.push({ key })
    if (isHolding) await new Promise<void>((resolve) => onRelease.push(resolve))
    const status = card === 'stolen' ? 402 : provider.answer
    // Nobody has got the answer when the shop is gone: the provider has charged all the same.
    if (status === 201) provider.charges.set(key, cents)
    response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return provider
}

/** Looks until it is so. */
function eventually<T>(look: () => T) {
  return expect.poll(look, { timeout: 30_000 })
}

function openFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-shop-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function compile(folder: string) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [compiler, '-p', folder], { cwd: folder, encoding: 'utf8' })
}

function plainEnvironment() {
  const { FORCE_COLOR: _, NO_COLOR: __, ...environment } = process.env
  return environment
}

/** The lines of a log, without their times. */
function linesOf(stdout: string): string[] {
  return stdout.split('\n').flatMap((line) => /^\[[\d:.]+\] (.*)$/.exec(line)?.[1] ?? [])
}
