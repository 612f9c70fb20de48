// Holds what was promised against what has happened.

/** @typedef {{ what: 'begun' | 'handled', id: string, key: string, number: number, worker: number, time: number }} Note */

/**
 * @param {object} ledgers
 * @param {{ id: string }[]} ledgers.published what the bus has taken
 * @param {Note[]} ledgers.notes what workers have done, in that order
 * @param {{ id: string }[]} ledgers.deadLetters events that were given up, and are kept
 * @param {{ worker: number, time: number }[]} ledgers.kills
 */
export function audit({ published, notes, deadLetters, kills }) {
  const handled = notes.filter(({ what }) => what === 'handled')
  /** The first time counts: what comes again comes later than what has followed it. @type {Map<string, Note>} */
  const first = new Map()
  for (const note of handled) if (!first.has(note.id)) first.set(note.id, note)
  const kept = new Set(deadLetters.map(({ id }) => id))
  const lost = published.filter(({ id }) => !first.has(id) && !kept.has(id)).map(({ id }) => id)
  const recoveriesMs = kills.map((kill) => recoveryOf(kill, notes))
  return {
    published: published.length,
    handled: first.size,
    lost,
    repeated: handled.length - first.size,
    outOfOrder: findOutOfOrder([...first.values()]),
    deadLetters: deadLetters.length,
    kills: kills.length,
    longestRecoveryMs: Math.max(0, ...recoveriesMs),
  }
}

/** @param {Note[]} notes of each event one */
function findOutOfOrder(notes) {
  /** @type {Map<string, number>} */
  const latest = new Map()
  const ids = []
  for (const { id, key, number } of notes) {
    if (number < (latest.get(key) ?? -1)) ids.push(id)
    else latest.set(key, number)
  }
  return ids
}

/**
 * How long it took until all was handled that a worker had begun when it was killed, in milliseconds.
 *
 * @param {{ worker: number, time: number }} kill
 * @param {Note[]} notes
 */
function recoveryOf({ worker, time }, notes) {
  const inHand = new Set()
  for (const { what, id } of notes.filter((note) => note.worker === worker)) {
    if (what === 'begun') inHand.add(id)
    else inHand.delete(id)
  }
  let lastMs = 0
  for (const note of notes) {
    if (note.what !== 'handled' || !inHand.delete(note.id)) continue
    lastMs = Math.max(lastMs, note.time - time)
  }
  return lastMs
}
