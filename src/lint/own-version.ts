import { readFileSync } from 'node:fs'

/** The version of this eventsets; `undefined` where a bundler has taken it apart. */
export function readOwnVersion(): string | undefined {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown }
    return name === 'eventsets' && typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
