import { describe, expectTypeOf, it } from 'vitest'
import { type BusBackend, EventBus, type EventMap } from '../../src/bus/index.ts'
import { expectPublished, recordingBackend } from '../../src/testing/index.ts'

interface ShopEvents {
  'order.placed': { readonly id: number; readonly items: readonly { readonly sku: string }[] }
  'order.paid': { readonly id: number; readonly at: Date }
  'user.created': { readonly email: string }
}

// What is said here is checked by the compiler; at run time nothing happens.
const never = (_: () => unknown) => {}

describe('the compiler, in tests', () => {
  it('knows what was published on a typed bus', () => {
    never(() => {
      const bus = new EventBus<ShopEvents>({ backend: recordingBackend() })
      const paid = expectPublished(bus, 'order.paid', { id: 17 })
      expectTypeOf(paid.name).toEqualTypeOf<'order.paid'>()
      expectTypeOf(paid.data).toEqualTypeOf<{ readonly id: number; readonly at: Date }>()
      expectTypeOf(expectPublished(bus, 'order.*').name).toEqualTypeOf<'order.placed' | 'order.paid'>()
      expectPublished(bus, 'order.placed', { items: [{}] })
      expectPublished(bus, 'order.placed', ({ items }) => items.length === 1)
      // @ts-expect-error there is no such event
      expectPublished(bus, 'order.payed')
      // @ts-expect-error the id is a number
      expectPublished(bus, 'order.paid', { id: '17' })
      // @ts-expect-error there is no such part
      expectPublished(bus, 'order.paid', { total: 5 })
      // @ts-expect-error nor has the item one
      expectPublished(bus, 'order.placed', { items: [{ count: 1 }] })
      // @ts-expect-error nor gets a function one
      expectPublished(bus, 'order.paid', ({ total }) => total === 5)
    })
  })

  it('knows what a backend remembers that was told of the events', () => {
    never(() => {
      const backend = recordingBackend<ShopEvents>()
      const taken: BusBackend = backend
      new EventBus<ShopEvents>({ backend })
      const [first] = backend.publishedEvents
      if (first?.name === 'user.created') expectTypeOf(first.data.email).toEqualTypeOf<string>()
      expectTypeOf(expectPublished(backend, 'user.*').data).toEqualTypeOf<{ readonly email: string }>()
      backend.hasPublished('order.*')
      // @ts-expect-error there is no such event
      backend.hasPublished('orders.*')
      expectPublished(taken, 'whatever.*')
    })
  })

  it('takes any event where none is declared', () => {
    never(() => {
      const bus = new EventBus({ backend: recordingBackend() })
      const event = expectPublished(bus, 'any.*', { id: 1 })
      expectTypeOf(event.data).toEqualTypeOf<EventMap[string]>()
      expectPublished(bus, 'any.*', (data: { readonly id: number }) => data.id === 1)
      const backend = recordingBackend()
      expectTypeOf(backend.publishedEvents[0]?.name).toEqualTypeOf<string | undefined>()
      backend.hasPublished('any.*')
    })
  })
})
