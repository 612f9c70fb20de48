// JSON.parse and JSON.stringify line by line: what enriching costs at least when the record is written anew.
import { readLineChunks, writeAll } from './line-chunks.mjs'

readLineChunks((buffer, start, end) => {
  const lines = buffer.utf8Slice(start, end).split('\n')
  let output = ''
  for (const line of lines) if (line !== '') output += `${JSON.stringify(JSON.parse(line))}\n`
  writeAll(Buffer.from(output))
})
