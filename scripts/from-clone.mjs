// In a clone of the repository the packages stand side by side, and nothing has installed them:
//
//   node --import ./scripts/from-clone.mjs program.mjs
//
// finds "eventsets" and its plugins where they are built. An application needs no such thing: it installs them.
import { readdirSync, readFileSync } from 'node:fs'
import { register } from 'node:module'

const root = new URL('..', import.meta.url)
const manifests = [
  new URL('package.json', root),
  ...readdirSync(new URL('plugins', root)).map((name) => new URL(`plugins/${name}/package.json`, root)),
]
const homes = Object.fromEntries(
  manifests.map((manifest) => [JSON.parse(readFileSync(manifest, 'utf8')).name, manifest.href]),
)
const hook = `
  const homes = ${JSON.stringify(homes)}
  export function resolve(name, context, next) {
    const found = Object.keys(homes).find((known) => name === known || name.startsWith(known + '/'))
    return next(name, found === undefined ? context : { ...context, parentURL: homes[found] })
  }
`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
