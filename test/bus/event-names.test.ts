import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/bus/index.ts'
import { recordingBackend } from '../../src/testing/index.ts'

describe('the name of an event', () => {
  it.each([
    'order',
    'order.paid',
    'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p',
    'Bestellung.bezahlt',
    '注文.支払い',
    'a-b_c:1/x',
  ])('can be %s', async (name) => {
    await using bus = new EventBus()
    const seen: string[] = []
    bus.on(name, (event) => seen.push(event.name))
    await bus.emit(name, 1)
    await bus.publish(name, 1)
    await bus.idle()

    expect(seen).toEqual([name, name])
  })

  it.each([
    ['empty', '', /it is empty/],
    ['with an empty segment', '.order', /a segment is empty/],
    ['with a space', 'order paid', /the segment "order paid" has a character/],
    ['with a line break', 'order.\npaid', /has a character/],
    ['with a star', 'order.*', /the segment "\*" has a character/],
    ['with a zero-width space', 'order\u200b.paid', /has a character/],
    ['with half a character', 'order.\ud800', /has a character/],
    ['of 17 segments', Array(17).fill('a').join('.'), /more than 16 segments/],
    ['of 257 characters', 'a'.repeat(257), /longer than 256/],
    ['of a million characters', 'a.'.repeat(500_000), /longer than 256/],
    ['a number', 17, /of type number/],
    ['undefined', undefined, /of type undefined/],
    ['an object', { toString: () => 'order.paid' }, /of type object/],
    ['a list', ['order.paid'], /of type object/],
  ])('cannot be %s', async (_, name, reason) => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })
    bus.on('**', () => expect.fail('was called'))
    const given = name as string
    const refusal = {
      name: 'EventError',
      code: 'EVENTSETS_EVENT_NAME',
      message: expect.stringMatching(reason),
    }

    await expect(bus.publish(given, 1)).rejects.toMatchObject(refusal)
    await expect(bus.emit(given, 1)).rejects.toMatchObject(refusal)
    await expect(bus.publishAll([{ name: given, data: 1 }])).rejects.toMatchObject(refusal)
    await expect(bus.transaction((tx) => tx.publish(given, 1))).rejects.toMatchObject(refusal)
    await bus.idle()
    expect(backend.publishedEvents).toEqual([])
  })

  it('is refused with a message that is short and acts on no terminal', async () => {
    await using bus = new EventBus()

    const { message, hint } = await bus.emit(`\u001b]0;\u202e${'x'.repeat(5000)}`, 1).catch((error) => error)

    expect(message.length).toBeLessThan(200)
    expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
    expect(hint).toBe('Write words joined by dots, such as "order.paid"; stars are for patterns.')
  })

  it('leaves nothing behind when it is refused', async () => {
    await using bus = new EventBus()

    for (let n = 0; n < 1000; n++) await bus.emit(`order ${n}`, 1).catch(() => {})

    expect([...bus.dispatcher.statistics.events()]).toEqual([])
  })
})
