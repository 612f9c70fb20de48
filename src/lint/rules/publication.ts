import { isPlainObject } from '../../core/shape.ts'
import { packageExample, paymentSet, pluginManifest } from '../example.ts'
import { quote } from '../quote.ts'
import { packageRule } from '../rule.ts'
import { isRange, satisfies } from '../version-range.ts'

/** Rules about what a package needs before it is published. A private one is not. */
const rest = {
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

const good = packageExample({ ...rest, 'package.json': pluginManifest() })

export const privatePackage = packageRule({
  code: 'private-package',
  level: 'info',
  title: 'a package is private',
  why: 'npm refuses to publish it. What only matters for publishing, such as a licence, is then not looked at.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ private: true }) }),
  good,
  *check({ manifest }) {
    if (manifest.private !== true) return
    yield {
      path: ['private'],
      message: 'the package is private, so what publishing needs was not looked at',
      hint: 'Remove "private" before you publish.',
    }
  },
})

export const incompletePackage = packageRule({
  code: 'incomplete-package',
  level: 'error',
  title: 'package.json lacks a name or a version',
  why: 'npm can neither pack nor publish the package.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ version: undefined }) }),
  good,
  *check({ manifest }) {
    for (const key of ['name', 'version']) {
      const value = manifest[key]
      if (typeof value === 'string' && value !== '') continue
      const hint = key === 'name' ? 'Add "name".' : 'Add "version": "0.1.0".'
      yield { path: [key], message: `package.json has no ${key}`, hint }
    }
  },
})

export const missingPeerRange = packageRule({
  code: 'missing-peer-range',
  level: 'warn',
  title: 'package.json does not say which versions of eventsets the plugin is for',
  why: 'The peer dependency tells npm, and whoever installs the plugin, which versions it was made for. As an ordinary dependency eventsets would be installed a second time.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ peerDependencies: undefined }) }),
  good,
  *check({ manifest: { peerDependencies, dependencies } }) {
    if (isPlainObject(peerDependencies) && peerDependencies.eventsets !== undefined) return
    const isDependency = isPlainObject(dependencies) && dependencies.eventsets !== undefined
    yield {
      path: isDependency ? ['dependencies', 'eventsets'] : ['peerDependencies'],
      at: 'key',
      message: isDependency
        ? 'eventsets is a dependency and no peer dependency, so it would be installed a second time'
        : 'package.json does not name the versions of eventsets that the plugin is for',
      hint: 'Write "peerDependencies": { "eventsets": ">=0.1.0" }.',
    }
  },
})

export const peerRangeMismatch = packageRule({
  code: 'peer-range-mismatch',
  level: 'warn',
  title: 'the plugin is not for this version of eventsets',
  why: 'The range in `peerDependencies` leaves out the version of eventsets that checks the plugin, or is no range at all. npm refuses to install the two side by side.',
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest({ peerDependencies: { eventsets: '^0.0.1' } }),
  }),
  good,
  *check({ manifest: { peerDependencies }, ownVersion }) {
    const range = isPlainObject(peerDependencies) ? peerDependencies.eventsets : undefined
    if (range === undefined || ownVersion === undefined) return
    const path = ['peerDependencies', 'eventsets']
    if (typeof range !== 'string' || !isRange(range)) {
      const shown = typeof range === 'string' ? quote(range) : 'the peer range of eventsets'
      yield { path, message: `${shown} is no range of versions`, hint: 'Write a range such as ">=0.1.0".' }
    } else if (!satisfies(ownVersion, range)) {
      yield {
        path,
        message: `the range ${quote(range)} leaves out this version of eventsets, ${ownVersion}`,
        hint: `Try the plugin with it, then write ">=${ownVersion}".`,
      }
    }
  },
})

export const missingLicense = packageRule({
  code: 'missing-license',
  level: 'warn',
  title: 'package.json names no licence',
  why: 'Without a licence nobody may use the package, and companies have tools that see to it.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ license: undefined }) }),
  good,
  *check({ manifest: { license } }) {
    if (typeof license === 'string' && license.trim() !== '') return
    yield {
      path: ['license'],
      message: 'package.json names no licence',
      hint: 'Add "license": "MIT", or another identifier of spdx.org/licenses.',
    }
  },
})

export const missingLicenseFile = packageRule({
  code: 'missing-license-file',
  level: 'info',
  title: 'a package has no file with its licence',
  why: 'Most licences ask that their text goes with every copy. npm packs a file LICENSE by itself.',
  bad: packageExample({ ...rest, LICENSE: undefined, 'package.json': pluginManifest() }),
  good,
  *check({ topFiles }) {
    if (topFiles.some((name) => /^(?:licen[cs]e|copying)(?:\.|$)/i.test(name))) return
    yield { path: [], message: 'the package has no file LICENSE', hint: 'Add the text of the licence.' }
  },
})

export const missingReadme = packageRule({
  code: 'missing-readme',
  level: 'info',
  title: 'a package has no README',
  why: 'It is what people see on npm: which log keys the sets mark, and with what.',
  bad: packageExample({ ...rest, 'README.md': undefined, 'package.json': pluginManifest() }),
  good,
  *check({ topFiles }) {
    if (topFiles.some((name) => /^readme(?:\.|$)/i.test(name))) return
    yield { path: [], message: 'the package has no README', hint: 'Say in README.md what the sets mark.' }
  },
})

export const unfindableName = packageRule({
  code: 'unfindable-name',
  level: 'info',
  title: 'the name of a package does not say that it is a plugin',
  why: 'Discovery goes by the key `eventsets`, so any name works. A name such as `eventsets-plugin-billing`, `@acme/eventsets-plugin` or `@acme/eventsets-plugin-billing` tells people what it is.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ name: 'payment-markers' }) }),
  good,
  *check({ manifest: { name } }) {
    if (typeof name !== 'string' || name === '' || PLUGIN_NAME.test(name)) return
    yield {
      path: ['name'],
      message: `the name ${quote(name)} does not say that this is a plugin of eventsets`,
      hint: 'Such a name begins with "eventsets-plugin-", or with "@scope/eventsets-plugin".',
    }
  },
})

/** Our own scope says it already. */
const PLUGIN_NAME = /^(?:eventsets-plugin-.+|@[^/]+\/eventsets-plugin(?:-.+)?|@eventsets\/.+)$/
