const { readFileSync } = require('node:fs')

/**
 * The most memory this process had at one time, in MB of a million bytes. On Linux from /proc: what
 * `process.resourceUsage()` tells there begins with the size of the process that started this one.
 */
exports.peakRssMb = function peakRssMb() {
  return (peakRssKib() * 1024) / 1e6
}

function peakRssKib() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    return process.resourceUsage().maxRSS
  }
}
