#!/usr/bin/env node
import { run } from './run.ts'

// Never process.exit: what has been written to a slow pipe would be cut off.
run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode
})
