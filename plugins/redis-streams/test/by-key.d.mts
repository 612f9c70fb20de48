import type { StoredEvent } from 'eventsets/bus'

export function byKey(streams: readonly string[]): (event: Pick<StoredEvent, 'name' | 'key'>) => string
