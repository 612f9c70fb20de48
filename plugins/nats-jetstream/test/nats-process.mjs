// What the tests do in processes of their own, so that these can be killed at any moment:
//
//   node --import ../../../scripts/from-clone.mjs nats-process.mjs <role> <options as JSON>
import { jetStream } from '@eventsets/nats-jetstream'
import { EventBus } from 'eventsets/bus'
import { play, tell } from '../../../test/bus-backends/child.mjs'
import { rolesOf } from '../../../test/bus-backends/roles.mjs'

await play({ ...rolesOf({ EventBus, open: jetStream }), publishTogether })

/** Publishes one batch after another. */
async function publishTogether({ prefix, count, ...options }) {
  const bus = new EventBus({ backend: jetStream(options) })
  tell({ ready: true })
  for (let batch = 0; ; batch++) {
    await bus.transaction(async (tx) => {
      for (let n = 0; n < count; n++)
        await tx.publish('order.placed', { batch, n }, { id: `${prefix}-${batch}-${n}` })
    })
    tell({ [`published ${batch + 1}`]: true })
  }
}
