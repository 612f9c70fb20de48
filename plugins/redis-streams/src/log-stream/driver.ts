import type { LogStreamDriver } from 'eventsets'
import { openLogStreamReader } from './reader.ts'
import { openLogStreamWriter } from './writer.ts'

/**
 * Carries log lines over streams of a Redis server, 7.0 or later. The transport of eventsets and its command find it by
 * the URL: `redis://host:6379/logs`.
 */
export const logStreamDriver: LogStreamDriver = {
  openWriter: openLogStreamWriter,
  openReader: openLogStreamReader,
}
