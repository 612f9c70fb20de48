import type { Process } from './process.ts'

/** How a process of a backend is started that plays a role. */
type Start = (role: string, options: object) => Process

/** The processes that the conformance suite asks for. */
export function victimsOf(start: Start) {
  return {
    startVictim: (group: string) => asVictim(start('hold', { group })),
    startMortal: async (group: string, lethalName: string) => {
      const process = start('mortal', { group, lethalName })
      await process.said('ready')
      return { died: async () => void (await process.ended()), kill: process.kill }
    },
    startPublisher: async (name: string, size: number) => {
      const process = start('publishBatches', { name, size })
      return {
        published: async (times: number) => void (await process.said(`published ${times}`)),
        kill: process.kill,
      }
    },
  }
}

/** A process that takes events and ends with none of them, as the conformance suite asks for. */
async function asVictim(process: Process) {
  await process.said('ready')
  return {
    holds: async (count: number) => void (await process.said(`holds ${count}`)),
    kill: process.kill,
  }
}
