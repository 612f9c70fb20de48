// Publishes events with a schema and without one, and prints what the schema adds, and what the schema alone takes. One
// process does all of it in turn: from process to process publishing differs by more than what is to be seen.
// Usage: node bus-validation.mjs <order|two fields>
import { EventBus } from 'eventsets/bus'
import { z } from 'zod'

const EVENTS = 1000
const WARM_UP_TURNS = 20
const TURNS = 120

const DATA = {
  order: {
    schema: z.object({
      id: z.uuid(),
      placedAt: z.iso.datetime(),
      customer: z.object({ id: z.int().positive(), name: z.string().min(1), email: z.email() }),
      lines: z
        .array(
          z.object({
            sku: z.string().regex(/^[A-Z]{3}-\d{4}$/),
            title: z.string().min(1),
            count: z.int().positive(),
            priceCents: z.int().nonnegative(),
          }),
        )
        .min(1),
      status: z.enum(['placed', 'paid', 'shipped']),
      note: z.string().optional(),
    }),
    data: {
      id: '0190b2c4-6d5f-7a3e-8b21-4f6c9d8e7a10',
      placedAt: '2026-01-31T12:00:00Z',
      customer: { id: 17, name: 'Ada Lovelace', email: 'ada@example.com' },
      lines: Array.from({ length: 5 }, (_, index) => ({
        sku: `ABC-100${index}`,
        title: 'A book on engines',
        count: index + 1,
        priceCents: 1999,
      })),
      status: 'placed',
    },
  },
  'two fields': {
    schema: z.object({ id: z.number(), email: z.string() }),
    data: { id: 17, email: 'ada@example.com' },
  },
}
const { schema, data: given } = DATA[process.argv[2]]
// As the schema makes it, so that with and without it events are of one shape.
const data = schema.parse(given)

// Nobody listens, and nothing is kept: what is to be seen is what publishing itself takes.
const backend = {
  name: 'nowhere',
  features: {},
  publish: async () => {},
  health: async () => ({
    status: 'healthy',
    reasons: [],
    queueDepth: 0,
    inFlight: 0,
    lagMs: 0,
    deadLetters: 0,
  }),
  close: async () => {},
}
const plain = new EventBus({ backend })
const checked = new EventBus({ backend, schemas: { 'order.placed': schema } })

const WAYS = {
  async plain() {
    for (let event = 0; event < EVENTS; event++) await plain.publish('order.placed', data)
  },
  async checked() {
    for (let event = 0; event < EVENTS; event++) await checked.publish('order.placed', data)
  },
  // As whoever publishes would do it.
  parsed() {
    for (let event = 0; event < EVENTS; event++) schema.parse(data)
  },
}
const costs = { plain: [], checked: [], parsed: [] }
for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
  const ways = Object.keys(WAYS)
  for (const name of turn % 2 === 0 ? ways : ways.reverse()) {
    const start = process.cpuUsage()
    await WAYS[name]()
    const { user, system } = process.cpuUsage(start)
    if (turn >= WARM_UP_TURNS) costs[name].push(((user + system) * 1000) / EVENTS)
  }
}
const [plainNs, checkedNs, parsedNs] = ['plain', 'checked', 'parsed'].map((name) => median(costs[name]))
const addedNs = median(costs.checked.map((cost, turn) => cost - costs.plain[turn]))
process.stdout.write(JSON.stringify({ plainNs, checkedNs, parsedNs, addedNs, ratio: addedNs / parsedNs }))

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
