import { pipeline, Transform } from 'node:stream'
import abstractTransport, { type OnUnknown } from 'pino-abstract-transport'
import type { PrettyOptions } from './options.ts'
import { prettyFactory } from './pretty-factory.ts'
import { type DestinationOptions, openDestination } from './stream-destination.ts'

/** pino-pretty's options: those for text, and where the text goes. */
export interface PrettyStreamOptions extends PrettyOptions, DestinationOptions {}

export type PrettyStream = Transform & OnUnknown

/**
 * A stream that takes what pino writes and gives it to a destination as text for people: `pino(build(options))`, or
 * `{ target: 'eventsets/pretty' }` for a transport in a worker.
 *
 * The keys and levels of the logger are taken over when it tells them, as it does to transports.
 */
export function build(options: PrettyStreamOptions = {}): PrettyStream {
  const destination = openDestination(options)
  let prettify = prettyFactory(options)
  return abstractTransport(
    (source) => {
      const configure = (message: Partial<ConfigMessage> | undefined) => {
        if (message?.code !== 'PINO_CONFIG' || message.config === undefined) return
        prettify = prettyFactory(withConfig(options, message.config))
        source.off('message', configure)
      }
      source.on('message', configure)
      source.on('unknown', (line: string) => destination.write(`${line}\n`))
      const formatter = new Transform({
        objectMode: true,
        autoDestroy: true,
        transform: (line, _encoding, done) => done(null, prettify(line)),
      })
      // Whoever listens to the source learns of errors there.
      pipeline(source, formatter, destination as NodeJS.WritableStream, () => {})
    },
    { parse: 'lines', close: (error, done) => void destination.on?.('close', () => done(error)) },
  )
}

/** What pino tells a transport of its logger. */
interface ConfigMessage {
  readonly code: 'PINO_CONFIG'
  readonly config: {
    readonly messageKey: string
    readonly errorKey: string
    readonly levels: { readonly values: { readonly [name: string]: number } }
  }
}

function withConfig(options: PrettyStreamOptions, config: ConfigMessage['config']): PrettyStreamOptions {
  const errorKeys = options.errorLikeObjectKeys ?? ['err', 'error']
  return {
    ...options,
    messageKey: config.messageKey,
    errorLikeObjectKeys: [...new Set([...errorKeys, config.errorKey])],
    customLevels: config.levels.values,
  }
}
