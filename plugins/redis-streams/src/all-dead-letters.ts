import type { DeadLetter, DeadLetterStore } from 'eventsets/bus'

/**
 * The dead letters of several streams as one store. A letter is in the stream of its event; its id says nothing of that,
 * so that all of them are asked.
 *
 * @param storeOf Where a letter is to be kept that comes from no delivery.
 */
export function joinDeadLetters(
  stores: readonly DeadLetterStore[],
  storeOf: (letter: DeadLetter) => DeadLetterStore,
): DeadLetterStore {
  const [only] = stores
  if (only && stores.length === 1) return only
  return {
    async list(query = {}) {
      const lists = await Promise.all(stores.map((store) => store.list(query)))
      return mergeByTime(lists).slice(0, query.limit ?? Number.POSITIVE_INFINITY)
    },
    async get(id) {
      const found = await Promise.all(stores.map((store) => store.get(id)))
      return found.find((letter) => letter !== undefined)
    },
    async add(letters) {
      for (const store of stores) {
        const own = letters.filter((letter) => storeOf(letter) === store)
        if (own.length > 0) await store.add(own)
      }
    },
    async replay(ids) {
      const counts = await Promise.all(stores.map((store) => store.replay(ids)))
      return counts.reduce((sum, count) => sum + count, 0)
    },
    async drop(id) {
      const dropped = await Promise.all(stores.map((store) => store.drop(id)))
      return dropped.includes(true)
    },
  }
}

/** The oldest first; those of one stream stay in the order in which they were filed. */
function mergeByTime(lists: readonly (readonly DeadLetter[])[]): DeadLetter[] {
  const merged: DeadLetter[] = []
  const ats = lists.map(() => 0)
  for (;;) {
    let oldest = -1
    for (const [index, list] of lists.entries()) {
      const next = list[ats[index] as number]
      const best = lists[oldest]?.[ats[oldest] as number]
      if (next && (!best || next.time < best.time)) oldest = index
    }
    const letter = lists[oldest]?.[ats[oldest] as number]
    if (!letter) return merged
    merged.push(letter)
    ats[oldest] = (ats[oldest] as number) + 1
  }
}
