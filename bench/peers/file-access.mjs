// Notes which files and folders are read from now on, whoever reads them and by whatever function.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const KINDS = {
  files: ['readFileSync', 'readFile', 'openSync', 'open', 'createReadStream'],
  folders: ['readdirSync', 'readdir', 'opendirSync', 'opendir'],
}

/** Gives `{ files, folders }`: paths, one for each time, in the order of reading. Call it before what reads is loaded. */
export function noteFileAccess() {
  const noted = { files: [], folders: [] }
  for (const [kind, names] of Object.entries(KINDS)) {
    for (const holder of [fs, fs.promises]) {
      for (const name of names.filter((each) => each in holder)) {
        const original = holder[name]
        holder[name] = function (path, ...rest) {
          noted[kind].push(String(path))
          return original.call(this, path, ...rest)
        }
      }
    }
  }
  syncBuiltinESMExports()
  return noted
}
