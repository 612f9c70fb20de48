import { type Connection, pause } from './connection.ts'

/** Waits for news on a connection of its own, for all consumers of this process. */
export interface News {
  /** Begins to wait, unless it does so already. */
  begin(): void
}

const PAUSE_MS = 100

/**
 * @param wakeKeys What tells of news, of each stream; all on this connection.
 * @param tell Called with one of them, and the id of the last news there.
 * @param isWanted Whether anybody still wants to know.
 */
export function createNews(
  connection: Connection,
  wakeKeys: readonly string[],
  tell: (wakeKey: string, newsId: string) => void,
  isWanted: () => boolean,
): News {
  let isWaiting = false
  // From the beginning: what came before anybody waited is told once.
  const lastIds = new Map(wakeKeys.map((wakeKey) => [wakeKey, '0-0']))
  const wait = async () => {
    while (isWanted()) {
      try {
        for (const [wakeKey, newsId] of await connection.waitForNews(lastIds)) {
          lastIds.set(wakeKey, newsId)
          tell(wakeKey, newsId)
        }
      } catch {
        // The connection comes back by itself; whoever has asked for something else is told that it is away.
        if (isWanted()) await pause(PAUSE_MS)
      }
    }
    isWaiting = false
  }
  return {
    begin() {
      if (isWaiting) return
      isWaiting = true
      void wait()
    },
  }
}
