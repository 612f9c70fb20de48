// Logs what its parent tells it to. Started with what pino.transport is given as an argument.
import pino from 'pino'

const transport = pino.transport(JSON.parse(process.argv[2]))
// Such an error ends an application that does not listen; here the parent is told.
transport.on('error', (error) => process.send({ error: error.message }))
const logger = pino({ base: null, timestamp: false }, transport)
// What has been asked for is no reason to stay.
process.channel.unref()

const tasks = {
  log({ from, count, text = '' }) {
    for (let n = from; n < from + count; n++) logger.info({ n }, text)
  },
  /** As it is, without pino. */
  write: ({ base64 }) => transport.write(Buffer.from(base64, 'base64')),
  flush: async () => await new Promise((resolve) => logger.flush(resolve)),
  stop: () => process.disconnect(),
  exit: () => process.exit(0),
  throw() {
    setImmediate(() => {
      throw new Error('nobody catches this')
    })
  },
  endTransport: () => transport.end(),
}
let alive
process.on('message', async ({ task, ...given }) => {
  clearInterval(alive)
  if (task !== 'stop') alive = setInterval(() => {}, 60_000)
  await tasks[task](given)
  if (process.connected) process.send({ done: task })
})
alive = setInterval(() => {}, 60_000)
process.once('SIGTERM', () => process.exit(0))
process.send({ done: 'start' })
