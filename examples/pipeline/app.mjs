// A pipeline: eventsets adds the markers, pino-pretty writes the lines as it always did.
import { readFile } from 'node:fs/promises'
import pino from 'pino'

const log = pino({
  transport: {
    pipeline: [
      { target: 'eventsets', options: { markers: 'message' } },
      { target: 'pino-pretty', options: { colorize: false, ignore: 'pid,hostname,err' } },
    ],
  },
})

log.info({ domain: 'config', action: 'load' }, 'reading the settings')
try {
  await readFile('settings-that-are-missing.json')
} catch (err) {
  log.error({ err }, 'there are no settings')
}
log.info({ domain: 'config', status: 'success' }, 'the defaults will do')
