import { parentPort, receiveMessageOnPort } from 'node:worker_threads'

/** What pino tells a transport about its logger. */
export interface PinoConfig {
  readonly levels: {
    readonly labels: { readonly [number: string]: string }
    readonly values: { readonly [label: string]: number }
  }
  readonly messageKey: string
  readonly errorKey: string
}

/** The configuration in a message that pino sends to its stream, if it is that message. */
export function readPinoConfig(message: unknown): PinoConfig | undefined {
  const { code, config } = (message ?? {}) as { code?: unknown; config?: Partial<PinoConfig> }
  if (code !== 'PINO_CONFIG' || typeof config !== 'object' || config === null) return undefined
  return {
    levels: { labels: config.levels?.labels ?? {}, values: config.levels?.values ?? {} },
    messageKey: config.messageKey ?? 'msg',
    errorKey: config.errorKey ?? 'err',
  }
}

/** The configuration of a worker's logger, whenever it comes. */
export interface PinoConfigSource {
  /** Calls `listener` with the configuration: at once when it is here already, otherwise when it arrives. */
  onConfig(listener: (config: PinoConfig) => void): void
  /**
   * Takes the configuration if it has been sent, without waiting. Lines do not come over the port: one may be read
   * before the message that was sent before it.
   */
  poll(): void
  stop(): void
}

/**
 * Listens for the logger's configuration in this worker.
 *
 * Must be called in the same tick as the transport's factory: once any listener has started the port, later ones
 * miss what has been delivered. Nobody may wait for the message, since a stream without a logger never gets it.
 */
export function listenForPinoConfig(): PinoConfigSource {
  let config: PinoConfig | undefined
  let listener: ((config: PinoConfig) => void) | undefined
  const onMessage = (message: unknown) => {
    config = readPinoConfig(message)
    if (!config) return
    stop()
    listener?.(config)
  }
  let isStopped = false
  const stop = () => {
    isStopped = true
    parentPort?.off('message', onMessage)
  }
  parentPort?.on('message', onMessage)
  return {
    onConfig(next) {
      listener = next
      if (config) next(config)
    },
    poll() {
      while (parentPort && !config && !isStopped) {
        const received = receiveMessageOnPort(parentPort) as { message: unknown } | undefined
        if (!received) return
        // Taken off the port, so it has to be handed to everybody who listens: `flush` comes this way too.
        parentPort.emit('message', received.message)
      }
    },
    stop,
  }
}
