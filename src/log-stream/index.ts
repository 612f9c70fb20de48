export type {
  LogBatch,
  LogStreamDriver,
  LogStreamReader,
  LogStreamReaderOptions,
  LogStreamWriter,
  LogStreamWriterOptions,
} from './driver.ts'
