// For processes that the tests start: "eventsets" is the package that this repository builds.
import { register } from 'node:module'

const root = new URL('../../../package.json', import.meta.url).href
const hook = `export const resolve = (name, context, next) =>
  next(name, /^eventsets(?:\\/|$)/.test(name) ? { ...context, parentURL: ${JSON.stringify(root)} } : context)`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
