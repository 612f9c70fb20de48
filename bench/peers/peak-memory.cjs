const { readFileSync } = require('node:fs')

/**
 * The most memory this process had at one time, in MB. On Linux from /proc: what `process.resourceUsage()` tells
 * there begins with the size of the process that started this one.
 */
exports.peakRssMb = function peakRssMb() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
  } catch {
    return process.resourceUsage().maxRSS / 1024
  }
}
