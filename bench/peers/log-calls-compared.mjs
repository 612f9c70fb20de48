// What a log call costs the thread that makes it with one transport, as a multiple of what it costs with another.
// The same process calls both in turn: from process to process this differs by more than what is to be seen.
// Usage: node log-calls-compared.mjs <transport> <other transport>
import { once } from 'node:events'
import pino from 'pino'
import { flushed, logInBursts, mainThreadNs } from './log-load.mjs'
import { transportTo } from './transports.mjs'

const WARM_UP_CALLS = 10_000
/** Few enough for the buffer of a transport: whether the worker keeps up is another question. */
const CALLS = 1000
const TURNS = 60

const keepAlive = setInterval(() => {}, 1000)
const streams = process.argv.slice(2).map((name) => pino.transport(transportTo(name)))
await Promise.all(streams.map((stream) => once(stream, 'ready')))
const peers = streams.map((stream) => ({ stream, log: pino({}, stream), costs: [] }))

for (const { log, stream } of peers) {
  await logInBursts(log, WARM_UP_CALLS)
  await flushed(stream)
}
for (let turn = 0; turn < TURNS; turn++) {
  for (const { log, stream, costs } of turn % 2 === 0 ? peers : [...peers].reverse()) {
    const start = mainThreadNs()
    await logInBursts(log, CALLS)
    costs.push((mainThreadNs() - start) / CALLS / 1e3)
    await flushed(stream)
  }
}
for (const { stream } of peers) {
  stream.end()
  await once(stream, 'close')
}
clearInterval(keepAlive)

const [cpuUsPerCall, otherCpuUsPerCall] = peers.map(({ costs }) => median(costs))
const ratio = median(peers[0].costs.map((cost, turn) => cost / peers[1].costs[turn]))
process.stdout.write(JSON.stringify({ cpuUsPerCall, otherCpuUsPerCall, ratio }))

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
