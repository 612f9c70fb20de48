import type { Example } from './rule.ts'

/** A set in a file of its own: an object, or the text of the file. */
export function setExample(set: object | string): Example {
  return { files: { 'payment.json': set }, target: 'payment.json' }
}

/** A plugin's folder. */
export function packageExample(files: Example['files']): Example {
  return { files, target: '.' }
}

/** An application, of which everything in force is checked. */
export function applicationExample(files: Example['files']): Example {
  return { files, target: undefined }
}

/** The package.json of a plugin that has all it needs, but for the changes. A key that is to go is `undefined`. */
export function pluginManifest(changes: { readonly [key: string]: unknown } = {}): object {
  return {
    name: 'eventsets-plugin-payment',
    version: '1.0.0',
    description: 'Markers for payments',
    keywords: ['eventsets-plugin'],
    license: 'MIT',
    files: ['sets'],
    eventsets: { apiVersion: 1, sets: ['./sets/*.json'] },
    peerDependencies: { eventsets: '>=0.1.0' },
    ...changes,
  }
}

/** A small set that is as it should be, but for the changes. */
export function paymentSet(changes: { readonly [key: string]: unknown } = {}): object {
  return {
    $schema: 'https://unpkg.com/eventsets/schema.json',
    name: 'payment',
    description: 'Payments',
    mappings: [{ name: 'status', visualMarkers: { paid: '💰', refunded: '💱' } }],
    fieldMappings: [{ logKey: 'payment.status', mapping: 'status' }],
    ...changes,
  }
}
