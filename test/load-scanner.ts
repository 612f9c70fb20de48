import { loadScanner } from '../src/pino/line-processor.ts'

// Tests compare what is written with and without it, at once.
await loadScanner()
