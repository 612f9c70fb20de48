// In a clone of the repository the packages stand side by side, and nothing has installed them. Your application needs
// no such thing: `npm install eventsets @eventsets/redis-streams ioredis`.
import { register } from 'node:module'

const homes = {
  eventsets: new URL('../../package.json', import.meta.url).href,
  '@eventsets/redis-streams': new URL('../../plugins/redis-streams/package.json', import.meta.url).href,
}
const hook = `
  const homes = ${JSON.stringify(homes)}
  export function resolve(name, context, next) {
    const found = Object.keys(homes).find((known) => name === known || name.startsWith(known + '/'))
    return next(name, found === undefined ? context : { ...context, parentURL: homes[found] })
  }
`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
