import { readFileSync } from 'node:fs'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { readOutcome } from '../../src/bus/event-outcome.ts'
import {
  type AuditLogger,
  type AuditLogOptions,
  auditLog,
  EventBus,
  entityEvent,
  Priority,
} from '../../src/bus/index.ts'
import type { ValidationError } from '../../src/core/errors.ts'
import { createRegistry } from '../../src/discovery/index.ts'
import { eventsetsStream } from '../../src/pino/stream.ts'

/** A bus with an audit log of a real pino, on the stream that marks its lines. */
function open(options: AuditLogOptions & { readonly output?: 'pretty' | 'json' } = {}) {
  const { output = 'pretty', ...rest } = options
  let text = ''
  const destination = {
    write(bytes: Buffer) {
      text += bytes
    },
  }
  const stream = eventsetsStream({
    registry: createRegistry(),
    destination,
    output,
    colorize: false,
    hideObject: output === 'pretty',
  })
  const logger = pino({ base: null, timestamp: false }, stream)
  const bus = new EventBus({ source: 'orders' })
  const off = auditLog(bus, logger, rest)
  return {
    bus,
    logger,
    off,
    lines: () => text.trim().split('\n'),
    records: () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

describe('auditLog', () => {
  it('writes a line for each event that the set "system" marks', async () => {
    const { bus, lines } = open()

    for (const name of [
      'order.paid',
      'user.created',
      'user.updated',
      'session.deleted',
      'user.login.failed',
      'user.login.denied',
      'payment.failed',
      'payment.refund.timed-out',
      'action.deploy.start',
      'action.deploy.success',
      'action.deploy.failure',
      'server.started',
      'plugin.registered',
      'cache.loaded',
      'report.build.skipped',
    ]) {
      await bus.emit(name, {})
    }

    expect(lines()).toEqual([
      'INFO: [✅] order.paid',
      'INFO: [👤][🆕][✅] user.created',
      'INFO: [👤][🔄][✅] user.updated',
      'INFO: [🚮][✅] session.deleted',
      'ERROR: [👤][🛂][❌] user.login.failed',
      'WARN: [👤][🛂][🚫] user.login.denied',
      'ERROR: [💳][❌] payment.failed',
      'ERROR: [💳][⏰] payment.refund.timed-out',
      'INFO: [🏃] action.deploy.start',
      'INFO: [✅] action.deploy.success',
      'ERROR: [❌] action.deploy.failure',
      'INFO: [🏢][🚀][✅] server.started',
      'INFO: [🔌][📋][✅] plugin.registered',
      'INFO: [💾][💡][✅] cache.loaded',
      'INFO: [📈][🧱][⏩] report.build.skipped',
    ])
  })

  it.each(['http.request.failed', 'database.query.failed', 'system.failed', 'database.connected'])(
    'marks how %s has gone, although its name begins with that of a set',
    async (name) => {
      const { bus, records } = open({ output: 'json' })

      await bus.emit(name, {})

      expect(records()[0]?.['markers']).toContain(name.endsWith('failed') ? '❌' : '✅')
    },
  )

  it('writes who has done what, to what, and what belongs together, but no other data', async () => {
    const { bus, records } = open({ output: 'json' })
    const { name, data, options } = entityEvent({
      entityType: 'user',
      entityId: 42,
      change: 'updated',
      changedFields: ['password'],
      userId: 7,
      organizationId: 'acme',
      data: { password: 'secret' },
    })

    await bus.emit(name, data, { ...options, id: 'e-1', time: 0, correlationId: 'c-1', causationId: 'c-0' })

    expect(records()).toEqual([
      {
        level: 30,
        domain: 'user',
        action: 'update',
        status: 'success',
        eventId: 'e-1',
        eventTime: '1970-01-01T00:00:00.000Z',
        source: 'orders',
        correlationId: 'c-1',
        causationId: 'c-0',
        actor: 7,
        organizationId: 'acme',
        entityType: 'user',
        entityId: 42,
        changedFields: ['password'],
        markers: ['👤', '🔄', '✅'],
        msg: 'user.updated',
      },
    ])
  })

  it('writes action, level, actor and data as its options say', async () => {
    const { bus, records } = open({
      output: 'json',
      actionFor: ({ name }) => (name === 'card.charged' ? 'CARD_CHARGE' : undefined),
      levelFor: ({ priority }) => (priority >= Priority.CRITICAL ? 'fatal' : 'debug'),
      actorFor: ({ data }) => (data as { by: string }).by,
      dataFor: ({ data }) => ({ cents: (data as { cents: number }).cents }),
    })

    await bus.emit('card.charged', { by: 'ada', cents: 5, card: '4242' }, { priority: Priority.CRITICAL })
    await bus.emit('card.removed', { by: 'eve' })

    expect(records()).toMatchObject([{ level: 60, action: 'CARD_CHARGE', actor: 'ada', data: { cents: 5 } }])
    expect(JSON.stringify(records())).not.toContain('4242')
  })

  it('writes which handler has failed, of which event, and why, at level error', async () => {
    const { bus, records } = open({ output: 'json', pattern: 'handler.*' })
    bus.on('order.paid', function ship() {
      throw new Error('no parcels left')
    })

    await bus.emit('order.paid', {}, { id: 'order 17' })
    await bus.idle()

    expect(records()).toMatchObject([
      {
        level: 50,
        msg: 'handler.failed',
        handler: 'ship',
        handledEvent: 'order.paid',
        handledEventId: 'order 17',
        status: 'failure',
        reason: 'no parcels left',
        correlationId: expect.any(String),
      },
    ])
  })

  it('writes before handlers of ordinary priority act', async () => {
    const { bus, logger, lines } = open()
    const order: string[] = []
    bus.on('order.paid', () => void order.push(lines().join()))

    await bus.emit('order.paid', {})

    expect(order).toEqual(['INFO: [✅] order.paid'])
    expect(logger.level).toBe('info')
  })

  it('writes only what pattern and filter let through', async () => {
    const { bus, lines } = open({ pattern: 'order.*', filter: { path: 'data.plan', eq: 'pro' } })

    await bus.emit('order.paid', { plan: 'pro' })
    await bus.emit('order.paid', { plan: 'free' })
    await bus.emit('user.created', { plan: 'pro' })

    expect(lines()).toEqual(['INFO: [✅] order.paid'])
  })

  it('ends with the returned function, and with its signal', async () => {
    const abort = new AbortController()
    const { bus, off, logger, lines } = open()
    auditLog(bus, logger, { signal: abort.signal })

    await bus.emit('a.one', 1)
    off()
    await bus.emit('a.two', 2)
    abort.abort()
    await bus.emit('a.three', 3)

    expect(lines().map((line) => line.split(' ').at(-1))).toEqual(['a.one', 'a.one', 'a.two'])
    expect(bus.handlers()).toEqual([])
  })

  it('fails as a handler, with a hint, where the logger does not have the level', async () => {
    const { bus } = open({ levelFor: () => 'audit' })

    const { failures } = await bus.emit('a', 1)

    expect(failures).toMatchObject([
      { handler: 'audit-log', error: { cause: { message: 'The logger has no level "audit" for "a".' } } },
    ])
  })

  it('writes at levels of the logger’s own', async () => {
    const lines: string[] = []
    const logger = pino(
      { customLevels: { audit: 35 }, base: null, timestamp: false },
      { write: (line) => void lines.push(line) },
    )
    const bus = new EventBus()
    auditLog(bus, logger, { levelFor: () => 'audit' })

    await bus.emit('a', 1)

    expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 35, msg: 'a' })
  })

  it('can be told the domain of an event, where its name does not say it', async () => {
    const { bus, records } = open({
      output: 'json',
      domainFor: ({ name }) => (name.startsWith('invoice.') ? 'billing' : undefined),
    })

    await bus.emit('invoice.paid', {})
    await bus.emit('order.paid', {})

    expect(records().map(({ domain }) => domain)).toEqual(['billing', 'order'])
  })

  it.each(['domainFor', 'actionFor', 'levelFor', 'actorFor', 'dataFor'])(
    'fails when %s gives a promise, and writes nothing of it',
    async (option) => {
      const { bus, records } = open({ output: 'json', [option]: () => Promise.reject(new Error('away')) })

      const { failures } = await bus.emit('order.paid', {})

      expect(failures[0]?.error.cause).toMatchObject({
        code: 'EVENTSETS_INVALID_OPTIONS',
        message: `"${option}" has given a promise.`,
      })
      expect(records).toThrow()
    },
  )

  it('tells everything that is wrong with logger and options', () => {
    const issues = (logger: unknown, options: unknown) => {
      try {
        auditLog(new EventBus(), logger as AuditLogger, options as AuditLogOptions)
      } catch (error) {
        return (error as ValidationError).issues?.map(({ path }) => path) ?? (error as { code: string }).code
      }
      return []
    }

    expect(issues(undefined, { actionFor: 'x', levl: 1 })).toEqual(['actionFor', 'levl', 'logger'])
    expect(issues(console, { pattern: 'a b' })).toBe('EVENTSETS_PATTERN')
    expect(issues(console, { filter: {} })).toEqual(['filter'])
  })
})

describe('readOutcome', () => {
  const { mappings } = JSON.parse(readFileSync(new URL('../../sets/system.json', import.meta.url), 'utf8'))
  const markersOf = (name: string): Record<string, string> =>
    mappings.find((mapping: { name: string }) => mapping.name === name).visualMarkers

  it('knows every action and status that the set "system" marks in their own words', () => {
    const actions = Object.keys(markersOf('action')).filter((action) => action !== 'error')

    expect(actions.map((action) => readOutcome(`thing.${action}`).action)).toEqual(actions)
  })

  it.each([
    ['order.paid', 'order', 'paid', 'success'],
    ['payment.failed', 'payment', undefined, 'failure'],
    ['user.passwordReset.requested', 'user', 'password_reset', 'pending'],
    ['job.timedOut', 'job', undefined, 'timeout'],
    ['mail.sent', 'mail', 'send', 'success'],
    ['started', 'started', undefined, 'started'],
    ['handler.failed', 'handler', undefined, 'failure'],
    ['import.file.read.completed', 'import', 'read', 'completed'],
    ['constructor.__proto__', 'constructor', '__proto__', 'success'],
  ])('reads %s', (name, domain, action, status) => {
    expect(readOutcome(name)).toEqual({ domain, action, status })
  })

  it('gives only statuses that have a marker', () => {
    const words = [
      'success',
      'failed',
      'error',
      'timeout',
      'warning',
      'denied',
      'unauthorized',
      'invalid',
      'canceled',
      'not_found',
    ]
    const more = [
      'attempted',
      'start',
      'ongoing',
      'queued',
      'retrying',
      'skip',
      'finished',
      'cached',
      'idle',
      'ready',
      'active',
    ]
    const marked = markersOf('status')

    for (const word of [...words, ...more]) expect(marked).toHaveProperty(readOutcome(`a.b.${word}`).status)
  })
})
