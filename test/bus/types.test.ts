import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { KnownPattern } from '../../src/bus/event-map.ts'
import {
  auditLog,
  type BusEvent,
  connectHandlers,
  EventBus,
  type EventMap,
  type EventsOf,
  email,
  type HandlerContext,
  type InputsOf,
  type MatchingEvent,
  type MatchingName,
} from '../../src/bus/index.ts'

/** Events of a shop. An interface will do, too. */
interface ShopEvents {
  'order.placed': { readonly id: number; readonly total: number }
  'order.paid': { readonly id: number }
  'order.payment.failed': { readonly id: number; readonly reason: string }
  'user.created': { readonly email: string }
  'user.deleted': undefined
}

// What is said here is checked by the compiler; at run time nothing happens.
const bus = new EventBus<ShopEvents>()
const never = (_: () => unknown) => {}

describe('the compiler', () => {
  it('knows the names of events, and their data', () => {
    never(() => bus.publish('order.placed', { id: 1, total: 5 }))
    never(() => bus.emit('user.deleted', undefined))
    // @ts-expect-error there is no such event
    never(() => bus.publish('order.lost', { id: 1 }))
    // @ts-expect-error the total is missing
    never(() => bus.publish('order.placed', { id: 1 }))
    // @ts-expect-error the id is a number
    never(() => bus.emit('order.paid', { id: '1' }))
    // @ts-expect-error there is more than it has
    never(() => bus.publish('order.paid', { id: 1, total: 5 }))
    // @ts-expect-error there is no such option
    never(() => bus.publish('order.paid', { id: 1 }, { corelationId: 'x' }))
    never(async () => {
      const event = await bus.publish('order.paid', { id: 1 })
      expectTypeOf(event.name).toEqualTypeOf<'order.paid'>()
      expectTypeOf(event.data).toEqualTypeOf<{ readonly id: number }>()
    })
  })

  it('knows them in publishAll and in transactions, too', () => {
    never(() =>
      bus.publishAll([
        { name: 'order.paid', data: { id: 1 } },
        { name: 'user.created', data: { email: 'ada@example.org' } },
      ]),
    )
    // @ts-expect-error the data of another event
    never(() => bus.publishAll([{ name: 'order.paid', data: { email: 'ada@example.org' } }]))
    never(() => bus.transaction((tx) => tx.publish('order.paid', { id: 1 })))
    // @ts-expect-error there is no such event
    never(() => bus.transaction((tx) => tx.publish('order.lost', { id: 1 })))
  })

  it('gives a handler the event of a name', () => {
    never(() =>
      bus.on('order.placed', (event, context) => {
        expectTypeOf(event).toEqualTypeOf<
          BusEvent<'order.placed', { readonly id: number; readonly total: number }>
        >()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(context.attempt).toEqualTypeOf<number>()
      }),
    )
  })

  it('knows what a handler may publish, through its context as on the bus', () => {
    never(() => bus.on('order.placed', ({ data }, { publish }) => publish('order.paid', { id: data.id })))
    never(() => bus.batch('order.*', { maxSize: 10 }, () => {}))
    // @ts-expect-error there is no such event
    never(() => bus.on('order.placed', (_, context) => context.publish('order.lost', {})))
    // @ts-expect-error the id is a number
    never(() => bus.on('order.placed', (_, { emit }) => emit('order.paid', { id: '1' })))
    // A handler of any events fits everywhere.
    const anywhere = (event: BusEvent, context: HandlerContext) => context.publish(`${event.name}.seen`, null)
    never(() => bus.on('order.*', anywhere))
  })

  it('gives a handler the events of a pattern, told apart by their names', () => {
    never(() =>
      bus.on('order.*', (event) => {
        expectTypeOf(event.name).toEqualTypeOf<'order.placed' | 'order.paid'>()
        if (event.name === 'order.placed') expectTypeOf(event.data.total).toEqualTypeOf<number>()
      }),
    )
    never(() =>
      bus.on('order.**', (event) => {
        expectTypeOf(event.name).toEqualTypeOf<'order.placed' | 'order.paid' | 'order.payment.failed'>()
      }),
    )
    never(() =>
      bus.once('*.created', (event) => {
        expectTypeOf(event.data).toEqualTypeOf<{ readonly email: string }>()
      }),
    )
    never(() =>
      bus.on('**', (event) => {
        expectTypeOf(event.name).toEqualTypeOf<keyof ShopEvents>()
      }),
    )
    never(() =>
      bus.batch('user.*', { maxSize: 5 }, (events) => {
        expectTypeOf(events).toEqualTypeOf<readonly MatchingEvent<ShopEvents, 'user.*'>[]>()
      }),
    )
    never(async () => {
      for await (const event of bus.stream('order.*'))
        expectTypeOf(event.name).toEqualTypeOf<'order.placed' | 'order.paid'>()
      expectTypeOf((await bus.once('user.*')).name).toEqualTypeOf<'user.created' | 'user.deleted'>()
    })
  })

  it('finds a pattern that matches nothing', () => {
    // @ts-expect-error no event begins so
    never(() => bus.on('orders.*', () => {}))
    // @ts-expect-error no event has one segment
    never(() => bus.on('*.*.*.*', () => {}))
    // @ts-expect-error no such event
    never(() => bus.once('user.updated'))
    // @ts-expect-error no such event
    never(() => bus.stream('invoice.**'))
    // @ts-expect-error no such event
    never(() => bus.batch('order.payment.*.*', { maxSize: 1 }, () => {}))
    // @ts-expect-error no such event
    never(() => bus.replay({ pattern: 'orders.*' }))
    // @ts-expect-error no such event
    never(() => bus.deadLetters.replayAll({ pattern: 'orders.*' }))
  })

  it('says of a pattern that matches nothing that it does', () => {
    expectTypeOf<KnownPattern<ShopEvents, 'order.*'>>().toEqualTypeOf<'order.*'>()
    expectTypeOf<
      KnownPattern<ShopEvents, 'orders.*'>
    >().toEqualTypeOf<'"orders.*" matches no event of this bus'>()
  })

  it('knows what is read again', () => {
    never(async () => {
      for await (const event of bus.replay({ pattern: 'order.*' }))
        expectTypeOf(event.name).toEqualTypeOf<'order.placed' | 'order.paid'>()
      for await (const event of bus.replay({ from: 0 }))
        expectTypeOf(event.name).toEqualTypeOf<keyof ShopEvents>()
      const letters = await bus.deadLetters.list({ pattern: 'order.paid', limit: 5 })
      expectTypeOf(letters[0]?.event.data).toEqualTypeOf<{ readonly id: number } | undefined>()
      const all = await bus.deadLetters.list()
      expectTypeOf(all[0]?.event.name).toEqualTypeOf<keyof ShopEvents | undefined>()
    })
  })

  it('takes a pattern that it does not know', () => {
    never(() => {
      const pattern: string = 'order.*'
      bus.on(pattern, (event) => expectTypeOf(event.name).toEqualTypeOf<keyof ShopEvents>())
    })
  })

  it('matches patterns as the bus does', () => {
    type Names = { a: 1; 'a.b': 1; 'a.b.c': 1; 'a.x.c': 1; 'b.c': 1 }

    expectTypeOf<MatchingName<Names, 'a.**'>>().toEqualTypeOf<'a' | 'a.b' | 'a.b.c' | 'a.x.c'>()
    expectTypeOf<MatchingName<Names, 'a.*'>>().toEqualTypeOf<'a.b'>()
    expectTypeOf<MatchingName<Names, '**.c'>>().toEqualTypeOf<'a.b.c' | 'a.x.c' | 'b.c'>()
    expectTypeOf<MatchingName<Names, 'a.*.c'>>().toEqualTypeOf<'a.b.c' | 'a.x.c'>()
    expectTypeOf<MatchingName<Names, 'a.**.c'>>().toEqualTypeOf<'a.b.c' | 'a.x.c'>()
    expectTypeOf<MatchingName<Names, '*'>>().toEqualTypeOf<keyof Names>()
    expectTypeOf<MatchingName<Names, '*.*.**'>>().toEqualTypeOf<'a.b' | 'a.b.c' | 'a.x.c' | 'b.c'>()
    expectTypeOf<MatchingName<Names, 'c.*'>>().toEqualTypeOf<never>()
  })

  it('knows what a filter gets', () => {
    never(() =>
      bus.on('order.placed', () => {}, {
        filter: (event) => {
          expectTypeOf(event.data.total).toEqualTypeOf<number>()
          return event.data.total > 5
        },
      }),
    )
    // @ts-expect-error no such data
    never(() => bus.on('order.placed', () => {}, { filter: (event) => event.data.email === '' }))
    // @ts-expect-error no such condition
    never(() => bus.on('order.placed', () => {}, { filter: { path: 'data.total', gt: 5 } }))
  })

  it('learns the events from their schemas', () => {
    const schemas = {
      'user.created': z.object({ id: z.number(), plan: z.string().default('free') }),
      'user.deleted': v.object({ id: v.string() }),
    }
    never(() => {
      const typed = new EventBus({ schemas })
      expectTypeOf(typed).toEqualTypeOf<
        EventBus<
          { 'user.created': { id: number; plan: string }; 'user.deleted': { id: string } },
          { 'user.created': { id: number; plan?: string | undefined }; 'user.deleted': { id: string } }
        >
      >()
      typed.on('user.*', (event) => {
        if (event.name === 'user.deleted') expectTypeOf(event.data.id).toEqualTypeOf<string>()
      })
      // @ts-expect-error the id is a number
      void typed.publish('user.created', { id: 'x', plan: 'pro' })
      // @ts-expect-error there is no such event
      typed.on('order.*', () => {})
    })
  })

  it('takes what a schema takes, and gives what it makes of it', () => {
    const schemas = {
      'user.created': z.object({ id: z.number(), plan: z.string().default('free') }),
      'stay.booked': z.object({ nights: z.coerce.number<string>(), day: z.string().transform(Number) }),
      'user.deleted': v.pipe(v.string(), v.transform(Number)),
    }
    never(async () => {
      const typed = new EventBus({ schemas })
      const created = await typed.publish('user.created', { id: 1 })
      expectTypeOf(created.data).toEqualTypeOf<{ id: number; plan: string }>()
      const booked = await typed.validate('stay.booked', { nights: '2', day: '17' })
      expectTypeOf(booked).toEqualTypeOf<{ nights: number; day: number }>()
      void typed.emit('user.deleted', '17')
      void typed.publishAll([
        { name: 'user.created', data: { id: 1 } },
        { name: 'user.deleted', data: '17' },
      ])
      void typed.transaction(async ({ publish }) => {
        expectTypeOf((await publish('user.deleted', '17')).data).toEqualTypeOf<number>()
        // @ts-expect-error the schema takes a text
        void publish('user.deleted', 17)
      })
      typed.on('user.deleted', (event, { publish, emit, transaction }) => {
        expectTypeOf(event.data).toEqualTypeOf<number>()
        void publish('user.created', { id: event.data })
        void transaction((tx) => tx.publish('user.deleted', '17'))
        // @ts-expect-error the schema takes a text
        void emit('user.deleted', 17)
      })
      // @ts-expect-error the schema takes a text
      void typed.publish('stay.booked', { nights: 2, day: '17' })
      // @ts-expect-error the schema takes a text
      void typed.publishAll([{ name: 'user.deleted', data: 17 }])

      const logger = { info: () => {}, warn: () => {}, error: () => {} }
      auditLog(typed, logger, { pattern: 'user.deleted', dataFor: ({ data }) => data.toFixed() })
      connectHandlers(typed, {})
      expectTypeOf<EventsOf<typeof typed>['user.deleted']>().toEqualTypeOf<number>()
      expectTypeOf<InputsOf<typeof typed>['user.deleted']>().toEqualTypeOf<string>()
    })
  })

  it('lets the schemas of declared events fill in what publishers give', () => {
    interface Events {
      readonly 'user.created': { readonly id: number; readonly plan: string }
    }
    const schemas = { 'user.created': z.object({ id: z.number(), plan: z.string().default('free') }) }
    never(async () => {
      const typed = new EventBus<Events>({ schemas })
      await typed.publish('user.created', { id: 1, plan: 'free' })
      // @ts-expect-error the bus was not told that it may be left out
      await typed.publish('user.created', { id: 1 })
      const exact = new EventBus<Events, { 'user.created': { readonly id: number } }>({ schemas })
      expectTypeOf((await exact.publish('user.created', { id: 1 })).data.plan).toEqualTypeOf<string>()
    })
  })

  it('finds a schema that does not give the data of its event', () => {
    never(
      () =>
        new EventBus<ShopEvents>({
          schemas: { 'order.paid': z.object({ id: z.number() }) },
        }),
    )
    never(
      () =>
        new EventBus<ShopEvents>({
          // @ts-expect-error the id is a number
          schemas: { 'order.paid': z.object({ id: z.string() }) },
        }),
    )
    never(
      () =>
        new EventBus<ShopEvents>({
          // @ts-expect-error there is no such event
          schemas: { 'order.lost': z.object({ id: z.number() }) },
        }),
    )
  })

  it('takes any event where none is declared', () => {
    const open = new EventBus()
    expectTypeOf(open).toEqualTypeOf<EventBus<EventMap>>()
    never(() => open.publish('anything.at.all', 5))
    never(() =>
      open.on('some.*', (event) => {
        expectTypeOf(event.name).toEqualTypeOf<string>()
        expectTypeOf(event.data).toEqualTypeOf<unknown>()
      }),
    )
  })

  it('knows the events of an audit log by its pattern', () => {
    const logger = { info: () => {}, warn: () => {}, error: () => {} }
    never(() =>
      auditLog(bus, logger, {
        pattern: 'order.payment.*',
        filter: ({ data }) => data.id > 1,
        dataFor: ({ name, data }) => {
          expectTypeOf(name).toEqualTypeOf<'order.payment.failed'>()
          return data.reason
        },
      }),
    )
    never(() =>
      auditLog(bus, logger, {
        domainFor: (event) => (event.name === 'user.created' ? event.data.email : undefined),
      }),
    )
    // @ts-expect-error there is no such event
    never(() => auditLog(bus, logger, { pattern: 'orders.*' }))
    // @ts-expect-error its data has no such part
    never(() => auditLog(bus, logger, { pattern: 'order.paid', dataFor: ({ data }) => data.email }))
  })

  it('knows the event of a mail by what it is subscribed to', () => {
    never(() =>
      bus.on(
        'user.created',
        email({ transport: 'smtp://localhost', from: 'a@b.c', subject: 's', to: ({ data }) => data.email }),
      ),
    )
    never(() =>
      bus.on(
        'order.paid',
        // @ts-expect-error its data has no such part
        email({ transport: 'smtp://localhost', from: 'a@b.c', subject: 's', to: ({ data }) => data.email }),
      ),
    )
  })

  it('knows what validate takes and gives', () => {
    never(async () => {
      expectTypeOf(await bus.validate('order.paid', { id: 1 })).toEqualTypeOf<{ readonly id: number }>()
      // @ts-expect-error the id is a number
      await bus.validate('order.paid', { id: '1' })
    })
  })

  it('lets nobody change an event', () => {
    never(() =>
      bus.on('order.paid', (event) => {
        // @ts-expect-error it is read-only
        event.name = 'order.placed'
        // @ts-expect-error it is read-only
        event.data.id = 5
      }),
    )
  })
})
