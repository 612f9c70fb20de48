// Generated from sets/*.json by `npm run generate`. Do not edit.
// Inlined so that the package finds its sets wherever a bundler puts it: nothing is looked up at run time.
import type { EventSet } from '../core/event-set.ts'

export const builtInSetData: readonly EventSet[] = []
