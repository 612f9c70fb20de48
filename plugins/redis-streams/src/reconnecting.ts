/** How a client of ioredis comes back by itself, whatever it is for. */
export const RECONNECTING = {
  retryStrategy: (times: number) => Math.min(1000, 25 * 2 ** Math.min(times, 6)) * (0.75 + Math.random() / 4),
  // A primary that has become a replica: the address leads to another one by now.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
}
