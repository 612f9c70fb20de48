import { API_VERSION, PLUGIN_KEYWORD } from '../../discovery/manifest.ts'
import { packageExample, paymentSet, pluginManifest } from '../example.ts'
import { packageRule, plainRule } from '../rule.ts'

const rest = {
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

const good = packageExample({ ...rest, 'package.json': pluginManifest() })

export const missingManifest = packageRule({
  code: 'missing-manifest',
  level: 'error',
  title: 'a package does not say that it is a plugin',
  why: 'eventsets reads the key `eventsets` of package.json, and nothing else. Without it no set of the package is found; a keyword or a name does not help.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ eventsets: undefined }) }),
  good,
  *check({ manifest }) {
    if (manifest.eventsets !== undefined) return
    yield {
      path: ['eventsets'],
      message: 'package.json has no key "eventsets", so no set is found',
      hint: `Add "eventsets": { "apiVersion": ${API_VERSION}, "sets": ["./sets/*.json"] }.`,
    }
  },
})

/** Its issues come from the shape of the key, as in discovery. */
export const invalidManifest = plainRule({
  code: 'invalid-manifest',
  level: 'error',
  title: 'the key `eventsets` of package.json is not valid',
  why: 'What is wrong with it keeps sets from being found: a wrong type, or a key that does not exist.',
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest({ eventsets: { sets: './sets/*.json' } }),
  }),
  good,
})

export const unknownApiVersion = plainRule({
  code: 'unknown-api-version',
  level: 'error',
  title: 'a plugin is written for another version of the plugin format',
  why: `This version of eventsets knows version ${API_VERSION} of the key \`eventsets\`, and does not guess what another one means.`,
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest({ eventsets: { apiVersion: 2, sets: ['./sets/*.json'] } }),
  }),
  good,
})

export const noSets = packageRule({
  code: 'no-sets',
  level: 'error',
  title: 'a plugin brings no sets',
  why: 'Its `eventsets` key has neither `sets` nor `module`, or its module exports none.',
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ eventsets: { apiVersion: 1 } }) }),
  good,
  *check({ plugin }) {
    if (plugin === undefined || plugin.module !== undefined) return
    const { sets } = plugin
    if (sets !== undefined && !(Array.isArray(sets) && sets.length === 0)) return
    yield {
      path: ['eventsets'],
      message: '"eventsets" in package.json names no sets',
      hint: 'Add "sets": ["./sets/*.json"].',
    }
  },
})

export const missingKeyword = packageRule({
  code: 'missing-keyword',
  level: 'warn',
  title: 'package.json lacks the keyword of plugins',
  why: `People find plugins by the keyword \`${PLUGIN_KEYWORD}\` on npm.`,
  bad: packageExample({ ...rest, 'package.json': pluginManifest({ keywords: ['logging'] }) }),
  good,
  *check({ manifest: { keywords } }) {
    if (Array.isArray(keywords) && keywords.includes(PLUGIN_KEYWORD)) return
    yield {
      path: ['keywords'],
      message: `package.json lacks the keyword "${PLUGIN_KEYWORD}"`,
      hint: `Add "${PLUGIN_KEYWORD}" to "keywords".`,
    }
  },
})
