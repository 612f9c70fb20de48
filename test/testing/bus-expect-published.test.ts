import { AssertionError } from 'node:assert'
import { describe, expect, it } from 'vitest'
import { EventBus, memoryBackend } from '../../src/bus/index.ts'
import { expectPublished, recordingBackend } from '../../src/testing/index.ts'

async function openShop() {
  const backend = recordingBackend()
  const bus = new EventBus({ backend })
  await bus.publish('order.placed', { id: 17, items: [{ sku: 'tea', count: 2 }], at: new Date(0) })
  await bus.publish('order.paid', { id: 17, total: 9 })
  await bus.publish('order.paid', { id: 18, total: 5 })
  return { backend, bus }
}

function failureOf(run: () => unknown): AssertionError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError)
    return error as AssertionError
  }
  expect.fail('has not failed')
}

describe('expectPublished', () => {
  it('gives the first event that matches, of a bus or its backend', async () => {
    const { backend, bus } = await openShop()
    await using _ = bus

    expect(expectPublished(bus, 'order.paid').data).toEqual({ id: 17, total: 9 })
    expect(expectPublished(backend, 'order.*').name).toBe('order.placed')
    expect(expectPublished(bus, '**')).toBe(backend.publishedEvents[0])
  })

  it.each([[{ id: 18 }], [{ id: 18, total: 5 }], [{}], [(data: { total: number }) => data.total < 6]])(
    'takes data that are a part of what was published: %j',
    async (data) => {
      const { bus } = await openShop()
      await using _ = bus

      expect(expectPublished(bus, 'order.paid', data).name).toBe('order.paid')
    },
  )

  it.each([
    [{ items: [{ sku: 'tea' }] }, true],
    [{ items: [] }, false],
    [{ items: [{ sku: 'tea', count: 3 }] }, false],
    [{ items: { 0: {} } }, false],
    [{ at: new Date(0) }, true],
    [{ at: new Date(1) }, false],
    [{ id: '17' }, false],
    [{ missing: undefined }, false],
    ['text', false],
    [null, false],
  ])('compares all that is there: %j is %s', async (data, isFound) => {
    const { bus } = await openShop()
    await using _ = bus
    const find = () => expectPublished(bus, 'order.placed', data)

    if (isFound) find()
    else failureOf(find)
  })

  it('tells what was published instead, and what may have been meant', async () => {
    const { bus } = await openShop()
    await using _ = bus

    expect(failureOf(() => expectPublished(bus, 'order.payed')).message).toBe(
      'No event "order.payed" was published. What was: "order.placed" and "order.paid" (2 times); did you mean "order.paid"?',
    )
    expect(failureOf(() => expectPublished(bus, 'user.*')).message).toBe(
      'No event "user.*" was published. What was: "order.placed" and "order.paid" (2 times).',
    )
  })

  it('tells that nothing was', async () => {
    await using bus = new EventBus({ backend: recordingBackend() })
    await bus.emit('order.paid', 1)

    expect(failureOf(() => expectPublished(bus, 'order.paid')).message).toBe(
      'No event "order.paid" was published: nothing was. (What is emitted does not count.)',
    )
  })

  it('tells the data that differ, for a runner to show', async () => {
    const { bus } = await openShop()
    await using _ = bus

    const failure = failureOf(() => expectPublished(bus, 'order.paid', { id: 19 }))

    expect(failure.message).toBe(
      `No event "order.paid" was published with { id: 19 }:
  "order.paid" has { id: 17, total: 9 }
  "order.paid" has { id: 18, total: 5 }`,
    )
    expect(failure).toMatchObject({
      expected: { id: 19 },
      actual: [
        { id: 17, total: 9 },
        { id: 18, total: 5 },
      ],
    })
    expect(failure.stack?.split('\n').find((line) => line.includes(' at '))).toContain(
      'bus-expect-published.test.ts',
    )
  })

  it('is short about many, and acts on no terminal', async () => {
    await using bus = new EventBus({ backend: recordingBackend() })
    for (let n = 0; n < 30; n++) await bus.publish(`order.n${n}`, `\u001b[2J${n}`)

    const { message } = failureOf(() => expectPublished(bus, 'order.*', 'none'))

    expect(message.split('\n')).toHaveLength(7)
    expect(message).toContain('and 25 more')
    expect(message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  })

  it('needs a backend that remembers, and a pattern that is one', async () => {
    await using bus = new EventBus({ backend: memoryBackend() })

    expect(() => expectPublished(bus, 'order.paid')).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        hint: 'Test with new EventBus({ backend: recordingBackend() }).',
      }),
    )
    expect(() => expectPublished(recordingBackend(), 'order..paid')).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_PATTERN' }),
    )
  })
})
