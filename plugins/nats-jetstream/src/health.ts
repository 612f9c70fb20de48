import type { ConsumerInfo } from '@nats-io/jetstream'
import type { GroupHealth } from 'eventsets/bus'
import { listGroups } from './groups.ts'
import type { Link, Server } from './link.ts'

export interface State {
  readonly groups: readonly GroupHealth[]
  readonly deadLetters: number
  /** How many events there are, and how many bytes of them. */
  readonly total: number
  readonly bytes: number
}

/**
 * How it is, as the server tells. It knows what is not handed out and what is not acknowledged; of the latter, what
 * waits for its next try is known to the process that has put it off.
 *
 * @param waiting How many events of a group this process has put off.
 */
export async function readState(
  server: Server,
  link: Link,
  waiting: (group: string) => number,
  now: number,
): Promise<State> {
  const { manager } = server
  const [log, dead, groups] = await Promise.all([
    manager.streams.info(link.names.log),
    manager.streams.info(link.names.dead),
    listGroups(server, link),
  ])
  const states = [...groups].map(async ([name, info]): Promise<GroupHealth> => {
    const put = Math.min(info.num_ack_pending, waiting(name))
    return {
      name,
      queueDepth: info.num_pending + put,
      inFlight: info.num_ack_pending - put,
      lagMs: await lagOf(server, link, info, now),
    }
  })
  return {
    groups: await Promise.all(states),
    deadLetters: dead.state.messages,
    total: log.state.messages,
    bytes: log.state.bytes,
  }
}

/** How long the first event has waited that was not handed out. */
async function lagOf({ manager }: Server, { names }: Link, info: ConsumerInfo, now: number): Promise<number> {
  if (info.num_pending === 0) return 0
  // The first one at or after a place: the client has no type for it.
  const query = { seq: info.delivered.stream_seq + 1, next_by_subj: `${names.log}.>` } as { seq: number }
  const next = await manager.streams.getMessage(names.log, query)
  return next ? Math.max(0, now - next.time.getTime()) : 0
}
