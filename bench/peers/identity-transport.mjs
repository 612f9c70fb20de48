// A pino transport that writes what it gets: what the way through the worker costs by itself.
import { EventEmitter } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'

export default function identityTransport({ destination }) {
  const fd = openSync(destination, 'w')
  return Object.assign(new EventEmitter(), {
    write(text) {
      writeSync(fd, text)
      return true
    },
    end() {
      closeSync(fd)
      this.emit('close')
    },
  })
}
