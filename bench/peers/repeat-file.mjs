// Writes a file to stdout several times: the other end of a pipe that a peer reads.
// Usage: node repeat-file.mjs <file> <times>
import { readFileSync } from 'node:fs'
import { writeAll } from './line-chunks.mjs'

const [file, times] = process.argv.slice(2)
const content = readFileSync(file)
for (let time = 0; time < Number(times); time++) writeAll(content)
