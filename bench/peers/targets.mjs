// The pino transports under comparison, as an application would name them. All write to /dev/null.
const destination = '/dev/null'

export const TARGETS = {
  identity: { target: new URL('identity-transport.mjs', import.meta.url).href, options: { destination } },
  'pino/file': { target: 'pino/file', options: { destination } },
  'eventsets pretty': { target: 'eventsets', options: { destination } },
  'eventsets json': { target: 'eventsets', options: { destination, output: 'json' } },
  'pino-pretty': { target: 'pino-pretty', options: { destination } },
}
