import { didYouMean } from '../../core/nearest.ts'

/**
 * What is odd about a licence, as a clause. Not all identifiers of SPDX are known here: of the others, a name with a
 * version passes.
 */
export function doubtLicense(license: string): string | undefined {
  if (license.startsWith('SEE LICENSE IN ')) return undefined
  const names = license
    .split(/[()\s]+|\+(?=$|[()\s])/)
    .filter((part) => part !== '' && !OPERATORS.includes(part))
  const odd = names.find((name) => !KNOWN.includes(name) && !VERSIONED.test(name))
  return odd === undefined
    ? undefined
    : `${JSON.stringify(odd)} does not look like an SPDX identifier${didYouMean(odd, KNOWN)}`
}

const OPERATORS = ['AND', 'OR', 'WITH']

/** `Artistic-2.0`, `LicenseRef-Acme`, `Classpath-exception-2.0`. */
const VERSIONED = /^(?:LicenseRef-[A-Za-z0-9.-]+|[A-Za-z0-9][A-Za-z0-9.-]*-[0-9][A-Za-z0-9.-]*)$/

/** Those in use among packages. `UNLICENSED` is npm's own word for none. */
const KNOWN = [
  ...['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'MIT-0', 'Unlicense', 'UNLICENSED'],
  ...[
    'MPL-2.0',
    'EPL-2.0',
    'EUPL-1.2',
    'CC0-1.0',
    'CC-BY-4.0',
    'BlueOak-1.0.0',
    'Zlib',
    'WTFPL',
    'Python-2.0',
  ],
  ...['GPL', 'LGPL', 'AGPL'].flatMap((name) => [`${name}-3.0-only`, `${name}-3.0-or-later`]),
  ...['GPL-2.0-only', 'GPL-2.0-or-later', 'LGPL-2.1-only', 'LGPL-2.1-or-later', 'BSL-1.0', 'OFL-1.1'],
]
