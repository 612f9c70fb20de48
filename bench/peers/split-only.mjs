// Finds every line and writes it as it is: what a line-by-line tool in Node costs before it does anything.
import { readLineChunks, writeAll } from './line-chunks.mjs'

let lines = 0
readLineChunks((buffer, start, end) => {
  const text = buffer.latin1Slice(start, end)
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
  writeAll(buffer, start, end)
})
if (lines === 0) process.exitCode = 1
