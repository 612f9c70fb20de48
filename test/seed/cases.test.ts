// What the system that event sets come from did with these records is known from running it. Here stands what ours
// does; where it is another thing on purpose, a comment says so.
import { describe, expect, it } from 'vitest'
import {
  createEnricher,
  createRegistry,
  type EventSet,
  EventSetRegistry,
  prefixMessage,
} from '../../src/index.ts'
import { payment, tables } from './tables.ts'

interface Line {
  readonly message: string | undefined
  readonly added: Readonly<Record<string, unknown>>
}

/** The message with its markers and the fields that are added, as the sets `tables` and `more` have it. */
function line(record: Readonly<Record<string, unknown>>, more: readonly EventSet[] = []): Line {
  const registry = new EventSetRegistry()
  for (const set of [...tables, ...more]) registry.registerEventSet(set)
  const { markers, metadata } = createEnricher(registry).enrich(record)
  const shown = markers.map(({ marker }) => marker)
  return { message: prefixMessage(record['msg'], shown), added: { ...metadata } }
}

describe('the seed system on seventeen records', () => {
  it('1: shows domain, action and status', () => {
    // There: [❓][🚀][➡️], since a clean-up of the sources had lost ⚙️ and ✅.
    expect(line({ msg: 'Test message', domain: 'system', action: 'start', status: 'success' })).toEqual({
      message: '[⚙️][🚀][✅] Test message',
      added: {},
    })
  })

  it('2: shows a request that went well', () => {
    // There: [📥][❓], for the same reason. The metadata had survived.
    expect(line({ msg: 'HTTP request', 'http.method': 'get', 'http.status_class': '2xx' })).toEqual({
      message: '[📥][✅] HTTP request',
      added: { 'http.success': true },
    })
  })

  it('3: shows a request that failed, and by the override key that it has a path', () => {
    // There: without 🛣️, since the override key was no longer read.
    const record = {
      msg: 'HTTP request',
      'http.method': 'POST',
      'http.status_class': '5xx',
      'http.target': '/x',
      'http.status_code': 500,
    }

    expect(line(record)).toEqual({
      message: '[📤][🔥SERVER][🛣️] HTTP request',
      added: { 'http.server_error': true },
    })
  })

  it('4: shows a query with the metadata of each of its fields', () => {
    const record = {
      msg: 'q',
      'db.system': 'postgres',
      'db.operation': 'select',
      'db.outcome': 'success',
      'db.table': 'users',
      duration_ms: 25,
    }

    expect(line(record)).toEqual({
      message: '[🐘][🔍][👍] q',
      added: { 'db.type': 'sql', 'db.vendor': 'postgresql', 'db.read': true, 'db.success': true },
    })
  })

  it('5: shows a marker of several code points', () => {
    // There: nothing, key and default both being lost.
    expect(line({ msg: 'q', 'db.operation': 'transaction_commit' })).toEqual({
      message: '[💳✅] q',
      added: {},
    })
  })

  it('6: shows a call of a language model', () => {
    const record = {
      msg: 'LLM call',
      'llm.provider': 'anthropic',
      'llm.task': 'chat',
      'llm.outcome': 'success',
    }

    expect(line(record)).toEqual({
      message: '[📚][💬][👍] LLM call',
      added: {
        'llm.vendor': 'anthropic',
        'llm.api': 'claude',
        'llm.type': 'conversational',
        'llm.success': true,
      },
    })
  })

  it('7: shows 💰 for the bare status of a record about a payment', () => {
    // There: [➡️], although the documentation promised 💰. `status` was taken by domain/action/status.
    const record = { msg: 'payment_processed', payment_id: 'pay_123', amount: 99.99, status: 'completed' }

    expect(line(record, [payment]).message).toBe('[💰] payment_processed')
    expect(line(record).message).toBe('[➡️] payment_processed')
  })

  it('8: shows 💰 for payment.status, and only for that', () => {
    // There: [➡️] for payment.status, by its last segment, and 💰 for payment_status, by the name of the mapping.
    const statusAs = (key: string) => line({ msg: 'payment done', [key]: 'completed' }, [payment]).message

    expect(statusAs('payment.status')).toBe('[💰] payment done')
    expect(statusAs('payment_status')).toBe('payment done')
  })

  it.each([{ msg: '', status: 'error' }, { status: 'error' }])('9: shows brackets alone for %o', (record) => {
    expect(line(record).message).toBe('[🔥]')
  })

  it('10: does not take order.status for status', () => {
    // There: [❌][🚀], since every log key that ended so was taken.
    expect(line({ msg: 'x', 'order.status': 'failure', 'a.b.action': 'START' })).toEqual({
      message: 'x',
      added: {},
    })
  })

  it('11: knows http.request.method where a set has it as a name', () => {
    const record = { msg: 'x', 'http.request.method': 'get' }

    expect(line(record).message).toBe('x')
    // There: unknown. The built-in set knows today's names and the old ones.
    expect(createEnricher(createRegistry()).enrich(record).markers[0]?.marker).toBe('📥')
  })

  it('12: never overwrites what the record says', () => {
    expect(line({ msg: 'x', 'db.success': false, 'db.outcome': 'success' })).toEqual({
      message: '[👍] x',
      added: {},
    })
  })

  it('13: takes neither objects nor lists for values, but a list of one for its element', () => {
    // There: [➡️][❓][❓], in the order of the record, an object being an unknown value.
    expect(line({ msg: 'x', status: ['a'], domain: { k: 1 }, action: true }).message).toBe('[❓][➡️] x')
    expect(line({ msg: 'x', status: ['a', 'b'] }).message).toBe('x')
  })

  it('14: looks up the transformed value and leaves the record as it is', () => {
    const code: EventSet = {
      name: 'code',
      mappings: [
        {
          name: 'code',
          transformations: { '200': () => 'ok' },
          visualMarkers: { '200': '🔢', ok: '👌' },
          metadataFields: { ok: { fine: true } },
        },
      ],
      fieldMappings: [{ logKey: 'code' }],
    }
    const record = { msg: 'x', code: 200 }

    expect(line(record, [code])).toEqual({ message: '[👌] x', added: { fine: true } })
    expect(record.code).toBe(200)
  })

  it('15: counts a transformation that throws as "value unchanged"', () => {
    // There: the exception went through to the caller of the logger.
    const code: EventSet = {
      name: 'code',
      mappings: [
        {
          name: 'code',
          transformations: {
            '200': () => {
              throw new Error('broken')
            },
          },
          visualMarkers: { '200': '🔢' },
        },
      ],
      fieldMappings: [{ logKey: 'code' }],
    }

    expect(line({ msg: 'x', code: 200 }, [code]).message).toBe('[🔢] x')
  })

  it('16: does not pass a value on to a set of lower priority', () => {
    const dup = (name: string, priority: number, value: string): EventSet => ({
      name,
      priority,
      mappings: [{ name: 'dup', visualMarkers: { [value]: '🎯' } }],
      fieldMappings: [{ logKey: 'dup' }],
    })
    const sets = [dup('high', 9, 'a'), dup('low', 7, 'b')]

    expect(line({ msg: 'x', dup: 'a' }, sets).message).toBe('[🎯] x')
    expect(line({ msg: 'x', dup: 'b' }, sets).message).toBe('x')
  })

  it('17: shows a task that went well', () => {
    // There: [📨][❓], 🌊 and ✅ being lost.
    expect(line({ msg: 'x', 'task.system': 'kafka', 'task.status': 'success' })).toEqual({
      message: '[🌊][✅🏁] x',
      added: {
        'task.broker': 'kafka',
        'task.streaming': true,
        'task.state': 'completed',
        'task.success': true,
      },
    })
  })
})

describe('what the seed system did besides', () => {
  it('takes one order of markers, whatever the order of the record', () => {
    // There: the order of the record's keys.
    const record = { msg: 'x', status: 'success', action: 'start', domain: 'system', 'http.method': 'get' }

    expect(line(record).message).toBe('[📥][⚙️][🚀][✅] x')
  })

  it('knows a value whose key is declared in upper case', () => {
    // There: such a key could never match, although the documentation had one.
    const verbs: EventSet = {
      name: 'verbs',
      mappings: [{ name: 'verb', visualMarkers: { GET: '📥' } }],
      fieldMappings: [{ logKey: 'verb' }],
    }

    expect(line({ msg: 'x', verb: 'get' }, [verbs]).message).toBe('[📥] x')
  })

  it('does not prefix twice', () => {
    // There: [✅] [✅] x.
    expect(line({ msg: '[✅] x', status: 'success' }).message).toBe('[✅] x')
  })
})
