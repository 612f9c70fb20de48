import { basename } from 'node:path'
import { isPlainObject } from '../core/shape.ts'
import { configurationKeys, PLACES } from '../discovery/configuration.ts'
import { manifestShape, PLUGIN_KEYWORD } from '../discovery/manifest.ts'
import { type Finding, type Subject, toFinding } from './finding.ts'
import type { Path } from './path.ts'
import { applicationConfiguration } from './rules/in-force.ts'

type Manifest = { readonly [key: string]: unknown }

/** Whether a package is made to be found. An application may have sets too. */
export function isPlugin({ eventsets, keywords, peerDependencies }: Manifest): boolean {
  const isMarked = Array.isArray(keywords) && keywords.includes(PLUGIN_KEYWORD)
  const isMadeForUs = isPlainObject(peerDependencies) && peerDependencies.eventsets !== undefined
  return eventsets !== undefined && (isMarked || isMadeForUs)
}

/** The key of a package.json by which it is an application's: a plugin has no use for it. */
export function findApplicationKey(manifest: Manifest): string | undefined {
  const { eventsets } = manifest
  if (!isPlainObject(eventsets) || isPlugin(manifest)) return undefined
  return Object.keys(eventsets).find(
    (key) => configurationKeys.includes(key) && !Object.hasOwn(manifestShape.entries, key),
  )
}

/** Whether a file is called as the configuration of an application is. */
export function isConfigurationFile(file: string): boolean {
  return PLACES.includes(basename(file))
}

/** That there is nothing to check here, and how to check it. */
export function tellApplication(subject: Subject, path: Path = []): Finding {
  return toFinding(applicationConfiguration, subject, {
    path,
    at: 'key',
    message: "this is an application's configuration, and neither a plugin nor an event set",
    hint: 'Run "eventsets lint" without a target in the folder of the application.',
  })
}
