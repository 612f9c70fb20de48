import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
} from '@nats-io/jetstream'
import type { Link, Server } from './link.ts'
import { durableOf, isDurable } from './names.ts'
import { nanos } from './streams.ts'

/** Where a group goes on that has to be made, or made again. */
export type Beginning =
  | { readonly from: 'now' | 'beginning' }
  /** The first event that may not have been handled, and when the group was made for which that holds. */
  | { readonly from: 'position'; readonly position: number; readonly madeAt: string }

export interface OpenGroup {
  readonly info: ConsumerInfo
  /** Whether it was made just now. */
  readonly isNew: boolean
}

/**
 * Makes the durable consumer of a group, unless it is there. Gives what the server says of it.
 *
 * Everything in the log goes to each group: the consumers of one group may listen to different patterns, and may change
 * them, and letters that are replayed are for one group among all.
 */
export async function openGroup(
  { manager }: Server,
  { names }: Pick<Link, 'names'>,
  group: string,
  ackWaitMs: number,
  beginning: Beginning,
): Promise<OpenGroup> {
  const durable = durableOf(group)
  const found = await findConsumer(manager, names.log, durable)
  if (found?.config.ack_wait === nanos(ackWaitMs)) return { info: found, isNew: false }
  if (found) {
    const info = await manager.consumers.update(names.log, durable, { ack_wait: nanos(ackWaitMs) })
    return { info, isNew: false }
  }
  try {
    const info = await manager.consumers.add(names.log, {
      durable_name: durable,
      ...describe(group),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ackWaitMs),
      // Who gives up is the bus.
      max_deliver: -1,
      // What waits for its next try counts as well, and the others must not wait for it.
      max_ack_pending: -1,
      max_waiting: 4096,
      ...(await beginningOf(manager, names.log, beginning)),
    })
    return { info, isNew: true }
  } catch (error) {
    // Another process may have made it at the same moment.
    const other = await findConsumer(manager, names.log, durable)
    if (!other) throw error
    return { info: other, isNew: false }
  }
}

async function beginningOf(
  manager: JetStreamManager,
  log: string,
  beginning: Beginning,
): Promise<Partial<ConsumerConfig>> {
  if (beginning.from === 'beginning') return { deliver_policy: DeliverPolicy.All }
  if (beginning.from === 'position') {
    const { created } = await manager.streams.info(log)
    // The stream has been made anew, and all that is in it is new, however much that is by now.
    if (Date.parse(created) > Date.parse(beginning.madeAt)) return { deliver_policy: DeliverPolicy.All }
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: beginning.position }
  }
  // What was published before there was any group at all waits for the first one.
  for await (const { name } of manager.consumers.list(log))
    if (isDurable(name)) return { deliver_policy: DeliverPolicy.New }
  return { deliver_policy: DeliverPolicy.All }
}

/** All groups there are: what the server says of each, by its name. */
export async function listGroups(
  { manager }: Server,
  { names }: Pick<Link, 'names'>,
): Promise<Map<string, ConsumerInfo>> {
  const groups = new Map<string, ConsumerInfo>()
  for await (const info of manager.consumers.list(names.log)) {
    const { name, config } = info
    if (isDurable(name)) groups.set(readName(config.description) ?? name, info)
  }
  return groups
}

/** What the server takes as a description. */
const MAX_DESCRIPTION = 4000

/** The name of a group may be anything, and that of its consumer tells it no more: it stands in the description. */
function describe(group: string): Pick<ConsumerConfig, 'description'> {
  const description = JSON.stringify(group)
  return Buffer.byteLength(description) <= MAX_DESCRIPTION ? { description } : {}
}

function readName(description: string | undefined): string | undefined {
  try {
    const name: unknown = JSON.parse(description ?? 'null')
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

/** Gives whether there was one. */
export async function removeGroup(
  { manager }: Server,
  { names }: Pick<Link, 'names'>,
  group: string,
): Promise<boolean> {
  try {
    return await manager.consumers.delete(names.log, durableOf(group))
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function findConsumer(
  manager: JetStreamManager,
  log: string,
  durable: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(log, durable)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound
}
