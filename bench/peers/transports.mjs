// The pino transports under comparison, as an application would name them.

/** A transport by its name in the tables, writing to `destination`. */
export function transportTo(name, destination = '/dev/null') {
  const options = { destination }
  const transports = {
    identity: { target: new URL('identity-transport.mjs', import.meta.url).href, options },
    'pino/file': { target: 'pino/file', options },
    'eventsets text': { target: 'eventsets', options },
    'eventsets json': { target: 'eventsets', options: { ...options, output: 'json' } },
    'pino-pretty': { target: 'pino-pretty', options },
  }
  if (!(name in transports)) throw new Error(`No transport is called ${name}`)
  return transports[name]
}
