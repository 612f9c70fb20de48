import { type Connection, pause } from './connection.ts'

/** Waits for news on a connection of its own, for all consumers of this process. */
export interface News {
  /** Begins to wait, unless it does so already. */
  begin(): void
}

const PAUSE_MS = 100

/** @param tell Called with the id of the last news. @param isWanted Whether anybody still wants to know. */
export function createNews(
  connection: Connection,
  tell: (newsId: string) => void,
  isWanted: () => boolean,
): News {
  let isWaiting = false
  // From the beginning: what came before anybody waited is told once.
  let lastId = '0-0'
  const wait = async () => {
    while (isWanted()) {
      try {
        const found = await connection.waitForNews(lastId)
        if (found === undefined) continue
        lastId = found
        tell(found)
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
