import { expect, expectTypeOf, it } from 'vitest'
import {
  type ActionEvents,
  type ActionFailure,
  type ActionSuccess,
  EventBus,
  HANDLER_FAILED,
  type HandlerFailed,
  type LifecycleEvents,
  type PluginEvents,
  publishing,
  type ResourceEvents,
} from '../../src/bus/index.ts'
import { programsOf, runTypeScript } from './run-typescript.ts'

interface OrderEvents {
  'order.paid': { readonly id: string }
}

it('joins the vocabularies with events of your own, and the compiler knows them all', async () => {
  await using bus = new EventBus<OrderEvents & LifecycleEvents>()
  const seen: string[] = []
  bus.on('resource.*', (event) => {
    expectTypeOf(event.name).toEqualTypeOf<keyof ResourceEvents>()
    seen.push(`${event.name} ${event.data.name}`)
  })
  bus.on('resource.error', (event) => void seen.push(event.data.error))
  bus.on('connection.configured', (event) => void seen.push(event.data.kind ?? ''))
  bus.on('order.paid', (event) => void seen.push(event.data.id))

  await bus.emit('resource.registered', { name: 'pool' })
  await bus.emit('resource.error', { name: 'pool', error: 'exhausted' })
  await bus.emit('connection.configured', { name: 'main', kind: 'postgresql' })
  await bus.emit('order.paid', { id: '7' })

  expect(seen).toEqual(['resource.registered pool', 'resource.error pool', 'exhausted', 'postgresql', '7'])
  // @ts-expect-error an error has a message.
  await bus.emit('resource.error', { name: 'pool' })
  // @ts-expect-error there is no such event.
  await bus.emit('resource.vanished', { name: 'pool' })
})

it('has the events of any action, or of those one names', async () => {
  await using any = new EventBus<LifecycleEvents>()
  await using named = new EventBus<ActionEvents<'deploy' | 'undo'>>()
  const seen: unknown[] = []
  any.on('action.deploy.success', (event) => {
    expectTypeOf(event.data).toEqualTypeOf<ActionSuccess>()
    seen.push(event.name)
  })
  named.on('action.*.failure', (event) => {
    expectTypeOf(event.name).toEqualTypeOf<'action.deploy.failure' | 'action.undo.failure'>()
    expectTypeOf(event.data).toEqualTypeOf<ActionFailure>()
    seen.push(event.data.error)
  })

  await publishing(any, 'action.deploy', async () => {})()
  await publishing(named, 'action.undo', () => Promise.reject(new Error('too late')))().catch(() => {})
  await Promise.all([any.idle(), named.idle()])

  expect(seen).toEqual(['action.deploy.success', 'too late'])
  // @ts-expect-error no such action.
  publishing(named, 'action.sleep', () => {})
})

it('has what a bus tells of its handlers', async () => {
  await using bus = new EventBus<OrderEvents & LifecycleEvents>()
  const failed: HandlerFailed[] = []
  bus.on(HANDLER_FAILED, (event) => void failed.push(event.data))
  bus.on('order.paid', function ship() {
    throw new Error('no parcels')
  })

  await bus.emit('order.paid', { id: '7' }, { id: 'e-1' })
  await bus.idle()

  expect(failed).toEqual([
    { eventId: 'e-1', eventName: 'order.paid', handler: 'ship', attempts: 1, error: 'no parcels' },
  ])
})

it('has the events of plugins', () => {
  expectTypeOf<keyof PluginEvents>().toEqualTypeOf<
    'plugin.registered' | 'plugin.initialized' | 'plugin.removed' | 'plugin.error'
  >()
})

const programs = programsOf('docs/guides/bus-lifecycle.md')

it.each(programs)('does what docs/guides/bus-lifecycle.md shows: $output', ({ code, output }) => {
  expect(runTypeScript(code)).toBe(output)
})

it('has programs in docs/guides/bus-lifecycle.md', () => {
  expect(programs.length).toBeGreaterThan(0)
})
