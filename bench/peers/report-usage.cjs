// Preloaded into a measured process (`node -r`): tells its CPU time and peak memory on file descriptor 3.
const { isMainThread } = require('node:worker_threads')

if (isMainThread) {
  const { writeSync } = require('node:fs')
  const { peakRssMb } = require('./peak-memory.cjs')
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage()
    writeSync(3, JSON.stringify({ cpuMs: (userCPUTime + systemCPUTime) / 1000, peakRssMb: peakRssMb() }))
  })
}
