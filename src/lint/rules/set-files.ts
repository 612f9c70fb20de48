import { MOST_OF_SET } from '../../core/limits.ts'
import { LIMITS } from '../../discovery/matched-files.ts'
import { MAX_SET_FILE_BYTES } from '../../discovery/set-file.ts'
import { packageExample, paymentSet, pluginManifest } from '../example.ts'
import { plainRule } from '../rule.ts'

/** Rules about the files of a package. Discovery finds most of it; lint-package.ts says which is which. */
const rest = { LICENSE: 'MIT\n', 'README.md': '# Payments\n' }

const good = packageExample({
  ...rest,
  'package.json': pluginManifest(),
  'sets/payment.json': paymentSet(),
})

function withSets(...sets: readonly string[]) {
  return pluginManifest({ eventsets: { apiVersion: 1, sets } })
}

export const noSetFiles = plainRule({
  code: 'no-set-files',
  level: 'error',
  title: 'a path or a glob leads to no file',
  why: 'The sets that are meant are not found. Often the file has another name, or is not in the published package.',
  bad: packageExample({
    ...rest,
    'package.json': withSets('./set/*.json'),
    'sets/payment.json': paymentSet(),
  }),
  good,
})

export const pathOutsidePackage = plainRule({
  code: 'path-outside-package',
  level: 'error',
  title: 'a path leads out of the package',
  why: 'A plugin has no business with the files of whoever installs it, so such a path is not followed; nor is a symbolic link that leads out, or a glob that could take for ever.',
  bad: packageExample({
    ...rest,
    'package.json': withSets('../payment/*.json', './sets/*.json'),
    'sets/payment.json': paymentSet(),
  }),
  good,
})

export const overLimit = plainRule({
  code: 'over-limit',
  level: 'error',
  title: 'something is too large, too long, or there are too many',
  why: `A set file has at most ${MAX_SET_FILE_BYTES / 1024 / 1024} MiB, ${MOST_OF_SET.mappings} mappings, ${MOST_OF_SET.fieldMappings} field mappings, ${MOST_OF_SET.ranges} ranges in a mapping, ${MOST_OF_SET.globs} globs in \`when\`, and ${MOST_OF_SET.segments} segments in all its names of fields; names, values and texts have [limits](../event-set.md#limits) of their own. Otherwise the set is not loaded. A plugin has at most ${LIMITS.patterns} globs and ${LIMITS.files} files. What is beyond is not read.`,
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest(),
    'sets/payment.json': ' '.repeat(MAX_SET_FILE_BYTES + 1),
  }),
  good,
})

export const unreadableFile = plainRule({
  code: 'unreadable-file',
  level: 'error',
  title: 'a file cannot be read',
  why: 'It is a folder or something else that is no regular file, or its permissions do not allow it.',
  bad: packageExample({
    ...rest,
    'package.json': withSets('./sets/payment.json'),
    'sets/payment.json/README.md': 'A folder.\n',
  }),
  good,
})

export const setNotPacked = plainRule({
  code: 'set-not-packed',
  level: 'error',
  title: 'a set file would not be in the published package',
  why: 'npm packs what `files` in package.json lists, and leaves out what .npmignore or .gitignore names. The set works in this folder, and is missing for everybody who installs the package.',
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest({ files: ['dist'] }),
    'sets/payment.json': paymentSet(),
  }),
  good,
})

/** Found in lint-package.ts: npm is asked in a process of its own, with a limit on its time and its memory. */
export const packingFails = plainRule({
  code: 'packing-fails',
  level: 'error',
  title: 'npm cannot tell what it would publish',
  why: 'What npm goes by cannot be read, or takes very long to be compared with the files: a .npmignore that is no regular file, or a glob with so many stars or braces that there is no end to its meanings. Packing the package would fail in the same way, so nobody knows whether the sets would be in it.',
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest(),
    'sets/payment.json': paymentSet(),
    '.npmignore/README.md': 'A folder.\n',
  }),
  good,
})

export const moduleNotFound = plainRule({
  code: 'module-not-found',
  level: 'error',
  title: 'the module of a plugin is not in the package',
  why: 'An application that names the plugin under `plugins` imports this file. It is not there, or would not be in the published package.',
  bad: packageExample({
    ...rest,
    'package.json': pluginManifest({ eventsets: { apiVersion: 1, module: './sets.js' } }),
  }),
  good: packageExample({
    ...rest,
    'package.json': pluginManifest({
      type: 'module',
      files: ['sets.js'],
      eventsets: { apiVersion: 1, module: './sets.js' },
    }),
    'sets.js': 'export const sets = []\n',
  }),
})
