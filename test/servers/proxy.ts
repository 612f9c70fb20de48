import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a server, and does to the connection what networks do. */
export interface NetworkProxy {
  readonly port: number
  /** Lets the next data from the server come no further, and closes the connection instead: the answer is lost. */
  cutNextAnswers(count: number): void
  /** Passes on nothing any more in either direction, without closing anything. */
  swallow(isSwallowing: boolean): void
  /** Closes all connections. */
  cut(): void
  /** The same, and leads to another server from now on. */
  leadTo(port: number): void
  /** How many answers were lost. */
  readonly cuts: number
  close(): Promise<void>
}

export interface NetworkProxyOptions {
  /** Answers that are not lost, though others are. */
  readonly isSpared?: ((answer: string) => boolean) | undefined
}

/** @param port Where the server is, on this machine. */
export async function startProxy(
  port: number,
  { isSpared = () => false }: NetworkProxyOptions = {},
): Promise<NetworkProxy> {
  const sockets = new Set<Socket>()
  /** Those that have been swallowed from stay deaf: nobody tells them that the network is back. */
  const deaf = new Set<Socket>()
  let cutsLeft = 0
  let cuts = 0
  let isSwallowing = false
  let target = port
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    if (isSwallowing) deaf.add(client)
    client.on('data', (data) => {
      if (!deaf.has(client)) upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (deaf.has(client)) return
      if (cutsLeft > 0 && !isSpared(data.toString('latin1'))) {
        cutsLeft--
        cuts++
        client.destroy()
        return
      }
      client.write(data)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const address = server.address() as { readonly port: number }
  return {
    port: address.port,
    get cuts() {
      return cuts
    },
    cutNextAnswers(count) {
      cutsLeft = count
    },
    swallow(should) {
      isSwallowing = should
      if (should) for (const socket of sockets) deaf.add(socket)
    },
    cut,
    leadTo(next) {
      target = next
      cut()
    },
    async close() {
      server.close()
      cut()
    },
  }
}
