import { readFileSync } from 'node:fs'
import { EventsetsError } from '../core/errors.ts'
import { invalidEventSet, parseEventSet } from '../core/event-set.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { createRegistry } from '../discovery/process-registry.ts'

/**
 * The built-in sets and those of the given files.
 *
 * @throws EventsetsError naming the file that cannot be read or is no valid set.
 */
export function loadRegistry(files: readonly string[] = []): EventSetRegistry {
  const registry = createRegistry()
  for (const file of files) {
    const input = readJson(file)
    const parsed = parseEventSet(input)
    if (!parsed.success) throw invalidEventSet(input, parsed.issues, file)
    registry.registerEventSet(parsed.set, { override: true })
  }
  return registry
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new EventsetsError(
      `cannot read the event set ${JSON.stringify(file)}: ${(cause as Error).message}`,
      {
        code: 'EVENTSETS_INPUT',
        hint: 'An event set is a JSON file; see eventsets/schema.json for its format.',
        cause,
      },
    )
  }
}
