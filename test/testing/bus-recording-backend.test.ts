import { describe, expect, it } from 'vitest'
import { EventBus } from '../../src/bus/index.ts'
import { busBackendConformance, fakeClock, recordingBackend } from '../../src/testing/index.ts'

describe('the recording backend', () => {
  it('remembers what was published, whether somebody listens or not', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend, source: 'shop' })

    const event = await bus.publish('order.paid', { id: 17 }, { key: '17' })
    await bus.emit('order.sent', { id: 17 })
    await bus.transaction(async (tx) => {
      await tx.publish('user.created', 1)
    })

    expect(backend.publishedEvents.map(({ name }) => name)).toEqual(['order.paid', 'user.created'])
    expect(backend.publishedEvents[0]).toEqual(event.toJSON())
  })

  it('tells whether something was published that matches a pattern', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })
    await bus.publish('order.paid', 1)

    expect(backend.hasPublished('order.paid')).toBe(true)
    expect(backend.hasPublished('order.*')).toBe(true)
    expect(backend.hasPublished('user.*')).toBe(false)
    expect(() => backend.hasPublished('order.')).toThrow(
      expect.objectContaining({ code: 'EVENTSETS_PATTERN' }),
    )
  })

  it('forgets when it is told to', async () => {
    const backend = recordingBackend()
    await using bus = new EventBus({ backend })
    await bus.publish('order.paid', 1)

    backend.clear()

    expect(backend.publishedEvents).toEqual([])
    expect(backend.hasPublished('**')).toBe(false)
  })

  it('does not remember what was not taken', async () => {
    const backend = recordingBackend()
    const bus = new EventBus({ backend })
    await bus.publish('order.paid', () => {}).catch(() => {})
    await bus.close()
    await backend.publish([]).catch(() => {})

    expect(backend.publishedEvents).toEqual([])
  })

  it('takes the options of a memory backend', async () => {
    const clock = fakeClock()
    const backend = recordingBackend({ clock, maxQueueDepth: 1, overflow: 'error' })
    await using bus = new EventBus({ backend, clock })
    bus.on('order.paid', () => {})
    await bus.pause()
    await bus.publish('order.paid', 1)

    await expect(bus.publish('order.paid', 2)).rejects.toMatchObject({ code: 'EVENTSETS_PUBLISH' })
    expect(backend.publishedEvents).toHaveLength(1)
    await bus.resume()
  })

  for (const { name, run } of busBackendConformance(() => recordingBackend()).slice(0, 12)) it(name, run)
})
