import { describe, expect, it } from 'vitest'
import { compilePattern, EventBus } from '../../src/bus/index.ts'

/** What listens to each pattern, as the handlers of a bus. */
async function heard(patterns: readonly string[], name: string): Promise<string[]> {
  await using bus = new EventBus()
  const seen: string[] = []
  for (const pattern of patterns) bus.on(pattern, () => seen.push(pattern))
  await bus.emit(name, null)
  return seen
}

describe('a pattern', () => {
  it.each([
    ['order.paid', 'order.paid', true],
    ['order.paid', 'order.paid.late', false],
    ['order.paid', 'order', false],
    ['order.*', 'order.paid', true],
    ['order.*', 'order', false],
    ['order.*', 'order.paid.late', false],
    ['*.paid', 'order.paid', true],
    ['*.paid', 'paid', false],
    ['order.**', 'order', true],
    ['order.**', 'order.paid', true],
    ['order.**', 'order.paid.late', true],
    ['order.**', 'orders.paid', false],
    ['**.late', 'late', true],
    ['**.late', 'order.paid.late', true],
    ['order.**.late', 'order.late', true],
    ['order.**.late', 'order.paid.very.late', true],
    ['order.**.late', 'order.late.paid', false],
    ['**.b', 'b.a.b.b', true],
    ['a.**.a', 'a.a.b.b.a', true],
    ['**.a.**.*', 'a', false],
    ['*.*.**', 'b', false],
    ['*.*.**', 'b.c', true],
    ['**.**', 'a', true],
    ['*', 'order', true],
    ['*', 'order.paid.late', true],
    ['**', 'order.paid', true],
    ['*.*', 'order', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.c', false],
  ])('%s and the event %s: %s', async (pattern, name, isMatch) => {
    expect(await heard([pattern], name)).toEqual(isMatch ? [pattern] : [])
    expect(compilePattern(pattern)(name)).toBe(isMatch)
  })

  it('is matched once, however many ways there are', async () => {
    expect(await heard(['**.a.**'], 'a.a.a.a')).toEqual(['**.a.**'])
  })

  it('lets handlers run in the order they came, whatever they listen to', async () => {
    const patterns = ['**', 'order.paid', '*.paid', 'order.**', 'order.*', '*']

    expect(await heard(patterns, 'order.paid')).toEqual(patterns)
    expect(await heard([...patterns].reverse(), 'order.paid')).toEqual([...patterns].reverse())
  })

  it('finds what begins to listen and what ends between two events of a name', async () => {
    await using bus = new EventBus()
    const seen: string[] = []
    const off = bus.on('order.*', () => seen.push('star'))
    await bus.emit('order.paid', 1)
    bus.on('**', () => seen.push('all'))
    await bus.emit('order.paid', 2)
    off()
    await bus.emit('order.paid', 3)

    expect(seen).toEqual(['star', 'star', 'all', 'all'])
  })

  it('is no plain object key: names such as "__proto__" are names', async () => {
    expect(
      await heard(['__proto__.constructor', 'toString', '*.constructor'], '__proto__.constructor'),
    ).toEqual(['__proto__.constructor', '*.constructor'])
    expect(await heard(['toString', 'hasOwnProperty.*'], 'valueOf')).toEqual([])
  })

  it.each([
    ['an empty text', '', /it is empty/],
    ['an empty segment', 'order..paid', /a segment is empty/],
    ['a dot at the end', 'order.', /a segment is empty/],
    ['a star in a word', 'ord*', /"ord\*" has a character/],
    ['three stars', 'order.***', /"\*\*\*" has a character/],
    ['a space', 'order paid', /has a character/],
    ['a control character', 'order.\u0007', /has a character/],
    ['a direction mark', 'order.\u202epaid', /has a character/],
    ['too many segments', Array(17).fill('a').join('.'), /more than 16 segments/],
    ['too long a text', 'a'.repeat(257), /longer than 256 characters/],
    ['a number', 17, /of type number/],
    ['null', null, /it is null/],
    ['a symbol', Symbol('order'), /of type symbol/],
    ['an object that is no text', Object.create(null), /of type object/],
  ])('cannot be %s', async (_, pattern, reason) => {
    await using bus = new EventBus()
    const given = pattern as string

    for (const use of [
      () => bus.on(given, () => {}),
      () => bus.off(given, () => {}),
      () => bus.handlers(given),
      () => compilePattern(given),
      () => bus.stream(given),
      () => bus.batch(given, { maxSize: 1 }, () => {}),
    ]) {
      expect(use).toThrow(reason)
      expect(use).toThrow(expect.objectContaining({ name: 'EventError', code: 'EVENTSETS_PATTERN' }))
    }
    await expect(bus.once(given)).rejects.toMatchObject({ code: 'EVENTSETS_PATTERN' })
    await expect(bus.replay({ pattern: given }).next()).rejects.toMatchObject({ code: 'EVENTSETS_PATTERN' })
    await expect(bus.deadLetters.list({ pattern: given })).rejects.toMatchObject({
      code: 'EVENTSETS_PATTERN',
    })
    expect(bus.handlers()).toEqual([])
  })

  it('shows nothing in its error that acts on a terminal', () => {
    const attack = 'order.\u001b[2J\u202e\u009b31m'
    const messageOf = () => {
      try {
        compilePattern(attack)
        return ''
      } catch (error) {
        return (error as Error).message
      }
    }

    expect(messageOf()).toContain('\\u{202e}')
    expect(messageOf()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
  })
})
