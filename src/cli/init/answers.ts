import { spawnSync } from 'node:child_process'
import { isBuiltin } from 'node:module'
import { basename, dirname } from 'node:path'
import { parseEventSet } from '../../core/event-set.ts'
import { builtInSets } from '../../discovery/built-in-sets.ts'
import { toSafeText } from '../../pretty/safe-text.ts'

/** What has to be known to make a plugin. An empty text stands for nothing. */
export interface Answers {
  /** The name of the package. */
  readonly name: string
  /** The name of its event set. */
  readonly setName: string
  readonly description: string
  readonly author: string
  readonly license: string
  readonly repository: string
}

export interface Question {
  readonly key: keyof Answers
  /** The option that answers it. */
  readonly flag: string
  /** What a person is asked; what is not asked has its suggestion unless the option is given. */
  readonly prompt?: string
  /** The answer for someone who gives none, from the earlier answers. Nothing where none can be thought of. */
  readonly suggest: (earlier: Partial<Answers>, folder: string) => string | undefined
  /** What is wrong with an answer, as a clause. */
  readonly refuse: (answer: string) => string | undefined
}

/** In the order in which they are asked. */
export const questions: readonly Question[] = [
  {
    key: 'name',
    flag: '--name',
    prompt: 'Name of the package',
    suggest: (_, folder) => suggestName(folder),
    refuse: refuseName,
  },
  {
    key: 'setName',
    flag: '--set-name',
    prompt: 'Name of the event set',
    suggest: ({ name = '' }) => suggestSetName(name),
    refuse: refuseSetName,
  },
  {
    key: 'description',
    flag: '--description',
    prompt: 'What it shows',
    suggest: ({ setName }) => (setName === undefined ? undefined : `Markers for the events of ${setName}`),
    refuse: (answer) => (answer === '' ? 'it must not be empty' : refuseLine(answer)),
  },
  {
    key: 'author',
    flag: '--author',
    prompt: 'Author',
    suggest: () => readGitUser(),
    refuse: refuseLine,
  },
  {
    key: 'license',
    flag: '--license',
    suggest: () => 'MIT',
    refuse: (answer) =>
      /^[\w(][\w.+() -]{1,63}$/.test(answer)
        ? undefined
        : 'write an SPDX identifier, such as MIT or Apache-2.0',
  },
  {
    key: 'repository',
    flag: '--repository',
    suggest: () => '',
    refuse: (answer) =>
      answer === '' || /^(?:[\w.-]+\/[\w.-]+|(?:git\+)?(?:https?|ssh|git):\/\/[\w.@:/~-]+)$/.test(answer)
        ? undefined
        : 'write owner/name for one on GitHub, or an address such as https://example.org/name.git',
  },
]

/**
 * `eventsets-plugin-billing` for a folder "billing", and for one that is called so already. A folder in one such as
 * "@acme" belongs to that scope, as in node_modules.
 */
function suggestName(folder: string): string | undefined {
  const plain = basename(folder)
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[-._]+|[-._]+$/g, '')
  if (plain === '') return undefined
  const parent = basename(dirname(folder)).toLowerCase()
  const scope = SCOPE.test(parent) ? `${parent}/` : ''
  const name = `${scope}${plain.includes('eventsets-plugin') ? '' : 'eventsets-plugin-'}${plain}`
  return refuseName(name) === undefined ? name : undefined
}

const SCOPE = /^@[a-z0-9~-][a-z0-9._~-]*$/

/** `billing` for `eventsets-plugin-billing` and `@acme/eventsets-plugin-billing`, `acme` for `@acme/eventsets-plugin`. */
function suggestSetName(name: string): string | undefined {
  const [scope = '', rest = ''] = name.startsWith('@') ? name.slice(1).split('/') : ['', name]
  const topic = rest.replace(/^eventsets-(?:plugin-?)?/, '') || scope
  const setName = topic.replace(/[^A-Za-z0-9]+/g, '_').replace(/^[^A-Za-z]+|_+$/g, '')
  return refuseSetName(setName) === undefined ? setName : undefined
}

function refuseName(answer: string): string | undefined {
  if (answer === '') return 'it must not be empty'
  if (answer.length > 214) return 'npm takes at most 214 characters'
  if (!/^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(answer))
    return 'npm takes small letters, digits, "-", "_" and ".", with a letter or digit first, after a scope such as @acme/ if you like'
  if (isBuiltin(answer) || ['node_modules', 'favicon.ico'].includes(answer))
    return 'npm keeps this name for itself'
  if (answer === 'eventsets') return 'this is the package that your plugin is for'
  return undefined
}

function refuseSetName(answer: string): string | undefined {
  if (builtInSets.some(({ name }) => name === answer.toLowerCase()))
    return `${JSON.stringify(answer)} is a built-in set`
  return parseEventSet({ name: answer })
    .issues?.map(({ message }) => message)
    .join(', ')
}

/** It goes into JSON, Markdown and a licence: one line, and nothing in it that cannot be seen. */
function refuseLine(answer: string): string | undefined {
  if (answer.length > 200) return 'at most 200 characters, please'
  if (/[\t\n]/.test(answer) || toSafeText(answer) !== answer)
    return 'it must be one line, without characters that cannot be seen'
  return undefined
}

/** The name alone: an address should not get into a package unasked. */
function readGitUser(): string {
  const { stdout } = spawnSync('git', ['config', '--get', 'user.name'], { encoding: 'utf8', timeout: 2000 })
  const name = (stdout ?? '').trim()
  return refuseLine(name) === undefined ? name : ''
}
