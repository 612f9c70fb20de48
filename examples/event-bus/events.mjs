// The events of the shop. Everybody else learns from here what there is: the bus at run time, the compiler before.
import { EventBus } from 'eventsets/bus'
import { z } from 'zod'

export const PRICES_IN_CENTS = { teapot: 3000, cup: 800, spoon: 400 }

/** What a customer sends. The id is the customer's, so that a request that is sent twice is one order. */
export const orderRequest = z.strictObject({
  id: z.string().regex(/^[\w-]{1,40}$/, 'expected 1 to 40 letters, digits, "-" or "_"'),
  item: z.enum(['teapot', 'cup', 'spoon']),
  quantity: z.int().min(1).max(100),
  email: z.email().max(200),
  card: z.string().min(1).max(100),
})

const schemas = {
  'order.placed': orderRequest.extend({ cents: z.int() }),
  'order.paid': z.object({ id: z.string(), cents: z.int() }),
  'order.cancelled': z.object({ id: z.string(), error: z.string() }),
}

/** @typedef {z.infer<typeof orderRequest>} OrderRequest */
/** @typedef {{ [Name in keyof typeof schemas]: z.infer<(typeof schemas)[Name]> }} ShopEvents */
/** @typedef {EventBus<ShopEvents>} ShopBus */
/** @typedef {import('eventsets/bus').BusEvent<'order.placed', ShopEvents['order.placed']>} OrderPlaced */

/**
 * @param {import('eventsets/bus').EventBusOptions<ShopEvents>} options
 * @returns {ShopBus}
 */
export function createBus(options) {
  return new EventBus({ source: 'shop', schemas, ...options })
}
