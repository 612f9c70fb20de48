import { fsyncSync, openSync, writeSync } from 'node:fs'

/**
 * Gives a function that notes an entry as a line of a file. It has survived the end of this process when that returns,
 * and that of the machine unless `isSynced` is false.
 */
export function openLedger(path, { isSynced = true } = {}) {
  const fd = openSync(path, 'a')
  return (entry) => {
    writeSync(fd, `${JSON.stringify(entry)}\n`)
    if (isSynced) fsyncSync(fd)
  }
}
