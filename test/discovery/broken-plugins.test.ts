import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Problem } from '../../src/index.ts'
import { runProgram } from '../cli/run-cli.ts'
import {
  type App,
  createApp,
  dependingOn,
  eventSet,
  type Files,
  installEventsets,
  logging,
  moduleOf,
  plugin,
  runModule,
} from './fixture-app.ts'

/** A plugin that is wrong in one way, and what is told of it. Its set `kept` is fine. */
interface Broken {
  readonly title: string
  readonly packageJson?: object
  readonly files?: Files
  /** What files alone cannot say. `bad` is the folder of the plugin. */
  readonly arrange?: (app: App, bad: string) => void
  readonly code: Problem['code']
  readonly step: Problem['step']
  /** The file concerned, from the folder of the plugin. */
  readonly file: string
  /** What follows the package and its version in the message. */
  readonly reason: string | RegExp
  readonly hint?: string | RegExp
  /** The version is not known where package.json cannot be read. */
  readonly version?: undefined
  /** Whether its other set is lost, too. */
  readonly isLost?: boolean
}

/** Long, and of size 0. */
const ENDLESS = '/proc/kallsyms'

const BAD = 'node_modules/bad'
const kept = { 'sets/kept.json': eventSet('kept') }
const listing = (...sets: string[]) => ({ eventsets: { sets: ['./sets/kept.json', ...sets] } })
const PUBLISHED =
  'Is it listed under "files" in package.json, so that it is in the published package? "eventsets lint" tells.'
const FORMAT = /^The format is described by eventsets\/schema\.json; /
const INSIDE = 'Write a path inside the package, such as "./sets/*.json".'
const GLOBS = 'In a glob only "*", "**" and "?" stand for something else; list further paths one by one.'
const isRoot = process.getuid?.() === 0

const manifests: readonly Broken[] = [
  {
    title: 'a package.json that is not JSON',
    arrange: (app) =>
      app.write({ [`${BAD}/package.json`]: '{ "eventsets": { "sets": ["./sets/*.json"], } }' }),
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'parse',
    file: 'package.json',
    reason: /^package\.json is not valid JSON: .+$/,
    version: undefined,
    isLost: true,
  },
  {
    title: 'a package.json that holds no object',
    arrange: (app) => app.write({ [`${BAD}/package.json`]: '["eventsets"]' }),
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'parse',
    file: 'package.json',
    reason: 'package.json holds no object.',
    version: undefined,
    isLost: true,
  },
  ...(
    [
      [null, 'expected an object, got null'],
      [false, 'expected an object, got false'],
      [5, 'expected an object, got 5'],
      ['./sets/*.json', 'expected an object, got "./sets/*.json"'],
      [['./sets/*.json'], 'expected an object, got a list'],
      [{ sets: './sets/*.json' }, 'sets: expected a list, got "./sets/*.json"'],
      [{ sets: [5] }, 'sets[0]: expected a string, got 5'],
      [{ sets: [''] }, 'sets[0]: a pattern must not be empty'],
      [{ sets: ['./sets/*.json'], module: [] }, 'module: expected a string, got a list'],
      [{ sets: ['./sets/*.json'], apiVersion: '1' }, 'apiVersion: expected a number, got "1"'],
      [{ sets: ['./sets/*.json'], apiVersion: 1.5 }, 'apiVersion: the API version must be a whole number'],
    ] as const
  ).map(
    ([eventsets, issue]): Broken => ({
      title: `the key ${JSON.stringify(eventsets)}`,
      packageJson: { eventsets },
      code: 'EVENTSETS_PLUGIN_MANIFEST',
      step: 'validate',
      file: 'package.json',
      reason: `the key "eventsets" in its package.json is not valid:\n  ${issue}`,
      isLost: true,
    }),
  ),
  {
    title: 'a key that nobody knows',
    packageJson: { eventsets: { set: ['./sets/a.json'], sets: ['./sets/kept.json'] } },
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'validate',
    file: 'package.json',
    reason:
      'the key "eventsets" in its package.json is not valid:\n  set: is not a known key; did you mean "sets"?',
  },
  {
    title: '"__proto__" as a key',
    arrange: (app) =>
      app.write({
        [`${BAD}/package.json`]:
          '{ "version": "1.2.0", "__proto__": { "eventsets": 5 }, "eventsets": { "__proto__": { "module": "./x" }, "sets": ["./sets/kept.json"] } }',
      }),
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'validate',
    file: 'package.json',
    reason: /\n {2}__proto__: is not a known key; known are sets, apiVersion, module$/,
  },
  {
    title: 'a key that would act on a terminal',
    packageJson: { eventsets: { sets: ['./sets/kept.json'], '\u001b[2J\nINFO: forged': 1 } },
    code: 'EVENTSETS_PLUGIN_MANIFEST',
    step: 'validate',
    file: 'package.json',
    reason: /\n {2}\["\\u001b\[2J\\nINFO: forged"\]: is not a known key; [^\n]+$/,
  },
  {
    title: 'a version of the format that is not known',
    packageJson: { eventsets: { apiVersion: 2, sets: ['./sets/kept.json'], later: true } },
    code: 'EVENTSETS_PLUGIN_API_VERSION',
    step: 'validate',
    file: 'package.json',
    reason: 'it is written for version 2 of the plugin format, and this eventsets knows version 1.',
    hint: 'Update eventsets.',
    isLost: true,
  },
  {
    title: 'a version of the format that never was',
    packageJson: { eventsets: { apiVersion: 0, sets: ['./sets/kept.json'] } },
    code: 'EVENTSETS_PLUGIN_API_VERSION',
    step: 'validate',
    file: 'package.json',
    reason: 'it is written for version 0 of the plugin format, and this eventsets knows version 1.',
    hint: 'Update the plugin.',
    isLost: true,
  },
]

const paths: readonly Broken[] = [
  ...[
    '../good/sets/own.json',
    '/etc/hostname',
    'sets/../../good/sets/*.json',
    'C:/windows',
    '../*/*.json',
  ].map(
    (pattern): Broken => ({
      title: `the path ${pattern}`,
      packageJson: listing(pattern),
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file: 'package.json',
      reason: `${JSON.stringify(pattern)} in "sets" leads out of the package.`,
      hint: INSIDE,
    }),
  ),
  ...['./sets/link.json', './sets/link*', './**/link.json'].map(
    (pattern): Broken => ({
      title: `a link out of the package, found by ${pattern}`,
      packageJson: listing(pattern),
      arrange: (app) => app.link(`${BAD}/sets/link.json`, '../../good/sets/own.json'),
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file: 'sets/link.json',
      reason: 'sets/link.json is a link that leads out of the package.',
      hint: 'Put what it leads to into the package.',
    }),
  ),
  ...['./out/*.json', './out/**/*.json'].map(
    (pattern): Broken => ({
      title: `a folder that is a link out of the package, in ${pattern}`,
      packageJson: listing(pattern),
      arrange: (app) => app.link(`${BAD}/out`, '../good/sets'),
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file: 'out',
      reason: 'out is a link that leads out of the package.',
      hint: 'Put what it leads to into the package.',
    }),
  ),
  {
    title: 'a file in a folder that is a link out of the package',
    packageJson: listing('./out/own.json'),
    arrange: (app) => app.link(`${BAD}/out`, '../good/sets'),
    code: 'EVENTSETS_PLUGIN_PATH',
    step: 'locate',
    file: 'out/own.json',
    reason: 'out/own.json is a link that leads out of the package.',
    hint: 'Put what it leads to into the package.',
  },
  {
    title: 'a file that is not there',
    packageJson: listing('./sets/gone.json'),
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: '"./sets/gone.json" in "sets" is not there.',
    hint: PUBLISHED,
  },
  ...['./dist/*.json', './**/*.jsonc', './sets/*.json5', './sets/kept.json/*.json'].map(
    (pattern): Broken => ({
      title: `a glob that matches nothing: ${pattern}`,
      packageJson: listing(pattern),
      code: 'EVENTSETS_PLUGIN_NO_FILES',
      step: 'locate',
      file: 'package.json',
      reason: `${JSON.stringify(pattern)} in "sets" matches no file.`,
      hint: PUBLISHED,
    }),
  ),
  ...[
    './sets/{kept,other}.json',
    './sets/{1..1000000000}.json',
    '!(a)',
    '((((a+)+)+)+)',
    '[[[[',
    '{{{{{{{{{{',
  ].map(
    (pattern): Broken => ({
      title: `the glob ${pattern}, which is none here`,
      packageJson: listing(pattern),
      code: 'EVENTSETS_PLUGIN_NO_FILES',
      step: 'locate',
      file: 'package.json',
      reason: `${JSON.stringify(pattern)} in "sets" is not there.`,
      hint: GLOBS,
    }),
  ),
  {
    title: 'backslashes',
    packageJson: listing('.\\sets\\kept.json'),
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: '".\\\\sets\\\\kept.json" in "sets" is not there.',
    hint: 'Paths are written with "/", on every system.',
  },
  ...['*'.repeat(150), './sets/*a*b*.json', './***/x.json'].map(
    (pattern): Broken => ({
      title: `too many stars: ${pattern.slice(0, 20)}`,
      packageJson: listing(pattern),
      code: 'EVENTSETS_PLUGIN_PATH',
      step: 'locate',
      file: 'package.json',
      reason: `${JSON.stringify(pattern)} in "sets" has more than two stars in one part of the path.`,
      hint: 'Write a simpler glob, such as "./sets/*.json".',
    }),
  ),
  {
    title: 'a glob without end',
    packageJson: listing(`./${'**/'.repeat(100_000)}*.json`),
    code: 'EVENTSETS_PLUGIN_PATH',
    step: 'locate',
    file: 'package.json',
    reason: /^".{200}" in "sets" is not a path\.$/,
    hint: 'Write a short path, such as "./sets/*.json".',
  },
  {
    title: 'a path with a NUL',
    packageJson: listing('./sets/kept.json\u0000.txt'),
    code: 'EVENTSETS_PLUGIN_PATH',
    step: 'locate',
    file: 'package.json',
    reason: '"./sets/kept.json\\u0000.txt" in "sets" is not a path.',
    hint: 'Write a short path, such as "./sets/*.json".',
  },
  {
    // With a regular expression this takes longer than anybody waits: 200^4 ways to find no file of the name.
    title: 'a glob that can match in very many ways, and names for it',
    packageJson: listing('*a*/*a*/*a*/*a*/x', './sets/kept.json'),
    files: { [`${Array(4).fill('a'.repeat(200)).join('/')}/y`]: '' },
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: '"*a*/*a*/*a*/*a*/x" in "sets" matches no file.',
    hint: PUBLISHED,
  },
  {
    title: 'a glob with many folders of any depth, and folders for it',
    packageJson: listing(`${'**/a*/'.repeat(30)}x`),
    files: { [`${Array(8).fill('a'.repeat(100)).join('/')}/y`]: '' },
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: /^"(?:\*\*\/a\*\/){30}x" in "sets" matches no file\.$/,
    hint: PUBLISHED,
  },
  {
    title: 'a file deeper than anybody looks',
    packageJson: listing('./deep/**/*.json'),
    files: { [`deep/${'d/'.repeat(30)}deep.json`]: eventSet('deep') },
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: '"./deep/**/*.json" in "sets" matches no file.',
    hint: PUBLISHED,
  },
  {
    title: 'links that go round in a circle',
    packageJson: listing('./sets/loop.json'),
    arrange: (app) => app.link(`${BAD}/sets/loop.json`, 'loop.json'),
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'read',
    file: 'sets/loop.json',
    reason: 'sets/loop.json cannot be read: its symbolic links go round in a circle.',
  },
  {
    title: 'folders that go round in a circle',
    packageJson: listing('./loop/*.json'),
    arrange: (app) => app.link(`${BAD}/loop`, 'loop'),
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'read',
    file: 'loop',
    reason: 'loop cannot be read: its symbolic links go round in a circle.',
  },
  {
    title: 'a link that leads to nothing',
    packageJson: { eventsets: { sets: ['./sets/*.json'] } },
    arrange: (app) => app.link(`${BAD}/sets/dangling.json`, 'gone'),
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'read',
    file: 'sets/dangling.json',
    reason: 'sets/dangling.json cannot be read: there is no such file.',
  },
]

const contents: readonly Broken[] = [
  {
    title: 'a set that is not JSON',
    files: { 'sets/own.json': '{\n  "name": "own",\n}' },
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'parse',
    file: 'sets/own.json',
    reason: /^sets\/own\.json is not valid JSON: .*line 3.* column 1\)?\.$/,
    hint: /^JSON has no comments and no commas at the end of a list; /,
  },
  {
    title: 'a set that is empty',
    files: { 'sets/own.json': '' },
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'parse',
    file: 'sets/own.json',
    reason: /^sets\/own\.json is not valid JSON: /,
    hint: /^JSON has no comments/,
  },
  {
    title: 'a set that is no set: every issue is told',
    files: {
      'sets/own.json': {
        nam: 'own',
        priority: 'high',
        mappings: [{ name: 'a', visualMarkers: { x: '[x]' } }, { name: 'a' }],
        fieldMappings: [{ logKey: 'k', mapping: 'b' }],
      },
    },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file: 'sets/own.json',
    reason: [
      'sets/own.json is not a valid event set:',
      '  name: is required, but missing',
      '  priority: expected a number, got "high"',
      '  mappings[0].visualMarkers.x: a marker has 1 to 64 characters and no square brackets',
      '  nam: is not a known key; did you mean "name"?',
      '  mappings[1].name: "a" is already the name of mappings[0]',
      '  fieldMappings[0].mapping: no mapping "b" in this set; it has a, a',
    ].join('\n'),
    hint: FORMAT,
  },
  {
    title: 'a set with a key that would act on a terminal',
    files: { 'sets/own.json': { name: 'own', '\u009b31m\u202e\u2028': 1 } },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file: 'sets/own.json',
    reason: /\n {2}\["\\u009b31m\\u202e\\u2028"\]: is not a known key; [^\n]+$/,
    hint: FORMAT,
  },
  {
    title: 'a set with very many issues: not all are put into words',
    files: {
      'sets/own.json': `{ "name": "own", "mappings": [${Array(499).fill('5').join()}] }`,
    },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file: 'sets/own.json',
    reason: /\n {2}mappings\[49\]: expected an object, got 5\n {2}and 449 more issues$/,
    hint: FORMAT,
  },
  {
    title: 'a set with a name that a built-in one has',
    files: { 'sets/own.json': eventSet('http') },
    code: 'EVENTSETS_ALREADY_EXISTS',
    step: 'register',
    file: 'sets/own.json',
    reason: 'sets/own.json: event set "http" is already registered, by eventsets itself.',
    hint: 'Leave one of them out: name a package under "exclude" in your configuration.',
  },
  {
    title: 'a set with a name that another plugin has',
    files: { 'sets/own.json': eventSet('first') },
    code: 'EVENTSETS_ALREADY_EXISTS',
    step: 'register',
    file: 'sets/own.json',
    reason: 'sets/own.json: event set "first" is already registered, by a-first 1.2.0.',
    hint: 'Leave one of them out: name a package under "exclude" in your configuration.',
  },
  {
    title: 'a set with a link to a set that is not there',
    files: {
      'sets/own.json': { name: 'own', fieldMappings: [{ logKey: 'a', mapping: 'b', eventSetName: 'god' }] },
    },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'register',
    file: 'sets/own.json',
    reason:
      'the event set "own" (sets/own.json) is not valid:\n  fieldMappings[0].eventSetName: no event set "god" is known; did you mean "good"?',
  },
  {
    title: 'a file of 50 MB',
    arrange: (app, bad) => {
      app.write({ [`${BAD}/sets/own.json`]: '{}' })
      truncateSync(join(bad, 'sets/own.json'), 50_000_000)
    },
    code: 'EVENTSETS_PLUGIN_LIMIT',
    step: 'read',
    file: 'sets/own.json',
    reason: 'sets/own.json has 50000000 bytes, and at most 1048576 are read.',
    hint: 'Split the set into several, or leave out what no log carries.',
  },
  {
    title: 'a set that would take minutes to check',
    files: {
      'sets/own.json': {
        name: 'own',
        mappings: Array.from({ length: 5000 }, (_, index) => ({ name: `mapping${index}` })),
        fieldMappings: Array.from({ length: 5000 }, (_, index) => ({
          logKey: `key${index}`,
          mapping: `maping${index}`,
        })),
      },
    },
    code: 'EVENTSETS_PLUGIN_LIMIT',
    step: 'validate',
    file: 'sets/own.json',
    reason: 'sets/own.json has 5000 mappings, and at most 500 are read.',
    hint: 'Split the set into several, or leave out what no log carries.',
  },
  {
    title: 'a set with more ranges than there are numbers of interest',
    files: {
      'sets/own.json': {
        name: 'own',
        mappings: [
          {
            name: 'a',
            ranges: Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, [at, at]])),
          },
        ],
      },
    },
    code: 'EVENTSETS_PLUGIN_LIMIT',
    step: 'validate',
    file: 'sets/own.json',
    reason: 'sets/own.json has 20000 ranges in a mapping, and at most 500 are read.',
    hint: 'Split the set into several, or leave out what no log carries.',
  },
  {
    title: 'a file that is nested deeper than any stack',
    files: { 'sets/own.json': `{ "name": ${'['.repeat(400_000)}${']'.repeat(400_000)} }` },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file: 'sets/own.json',
    reason: 'sets/own.json is not a valid event set:\n  name: expected a string, got a list',
    hint: FORMAT,
  },
  {
    title: 'thousands of files',
    packageJson: { eventsets: { sets: ['./sets/kept.json', './many/**/*.json'] } },
    files: Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [
        `many/${index % 20}/${index}.json`,
        eventSet(`of${index}`),
      ]),
    ),
    code: 'EVENTSETS_PLUGIN_LIMIT',
    step: 'read',
    file: 'package.json',
    reason: '"sets" leads to more than 200 files, and the others are not read.',
  },
  {
    title: 'a folder in the place of a file',
    packageJson: listing('./sets'),
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'read',
    file: 'sets',
    reason: 'sets is a directory.',
  },
  {
    title: 'a named pipe in the place of a file',
    packageJson: listing('./sets/pipe.json'),
    arrange: (_, bad) => execFileSync('mkfifo', [join(bad, 'sets/pipe.json')]),
    code: 'EVENTSETS_PLUGIN_READ',
    step: 'read',
    file: 'sets/pipe.json',
    reason: 'sets/pipe.json is not a regular file.',
  },
  {
    title: 'a named pipe that a glob meets',
    packageJson: listing('./pipes/*.json'),
    arrange: (_, bad) => {
      mkdirSync(join(bad, 'pipes'))
      execFileSync('mkfifo', [join(bad, 'pipes/pipe.json')])
    },
    code: 'EVENTSETS_PLUGIN_NO_FILES',
    step: 'locate',
    file: 'package.json',
    reason: '"./pipes/*.json" in "sets" matches no file.',
    hint: PUBLISHED,
  },
  {
    title: 'a file name that would act on a terminal',
    files: { 'sets/a\u001b[31m\nINFO: forged.json': '{}' },
    code: 'EVENTSETS_INVALID_EVENT_SET',
    step: 'validate',
    file: 'sets/a\u001b[31m\nINFO: forged.json',
    reason:
      'sets/a\\u001b[31m\\nINFO: forged.json is not a valid event set:\n  name: is required, but missing',
    hint: FORMAT,
  },
]

describe('a plugin with', () => {
  const all = [...manifests, ...paths, ...contents]

  it.each(all.map((broken) => [broken.title, broken] as const))(
    '%s is one problem, and everything else loads',
    async (_, { packageJson, files, arrange, code, step, file, reason, hint, isLost, ...rest }) => {
      const app = createApp(
        dependingOn(['a-first', 'bad', 'good']),
        plugin('a-first', { files: { 'sets/first.json': eventSet('first') } }),
        plugin('bad', { ...(packageJson && { packageJson }), files: { ...kept, ...files } }),
        plugin('good'),
      )
      arrange?.(app, app.path(BAD))
      const { problems, names } = await app.discover()

      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatchObject({
        code,
        step,
        package: 'bad',
        version: 'version' in rest ? rest.version : '1.2.0',
        file: app.path(BAD, file),
        hint: hint instanceof RegExp ? expect.stringMatching(hint) : hint,
      })
      const [, told = ''] = /^Plugin bad(?: 1\.2\.0)?: (.*)$/s.exec(problems[0]?.message ?? '') ?? []
      if (typeof reason === 'string') expect(told).toBe(reason)
      else expect(told).toMatch(reason)
      expect(names.filter((name) => !/^of\d/.test(name))).toEqual([
        'first',
        ...(isLost ? [] : ['kept']),
        'good',
      ])
    },
  )

  it.skipIf(isRoot)('a file that may not be read is one problem, and everything else loads', async () => {
    const app = createApp(
      dependingOn(['bad']),
      plugin('bad', { files: { ...kept, 'sets/own.json': eventSet('own') } }),
    )
    chmodSync(app.path(BAD, 'sets/own.json'), 0)
    const { problems, names } = await app.discover()

    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['EVENTSETS_PLUGIN_READ', 'Plugin bad 1.2.0: sets/own.json cannot be read: permission denied.'],
    ])
    expect(names).toEqual(['kept'])
  })

  it('more patterns than anybody writes is a problem, and the first ones count', async () => {
    const sets = Array.from({ length: 5000 }, () => './sets/kept.json')
    const app = createApp(
      dependingOn(['bad']),
      plugin('bad', { packageJson: { eventsets: { sets } }, files: kept }),
    )
    const { problems, names } = await app.discover()

    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      [
        'EVENTSETS_PLUGIN_LIMIT',
        'Plugin bad 1.2.0: "sets" lists 5000 patterns, and at most 50 are looked at.',
      ],
    ])
    expect(names).toEqual(['kept'])
  })

  it.each<[title: string, arrange: (bad: string) => void]>([
    ['a named pipe', (bad) => execFileSync('mkfifo', [bad])],
    ['a folder', (bad) => mkdirSync(bad)],
  ])('%s in the place of its package.json is no plugin', async (_, arrange) => {
    const app = createApp(dependingOn(['bad', 'good']), plugin('bad'), plugin('good'))
    rmSync(app.path(BAD, 'package.json'))
    arrange(app.path(BAD, 'package.json'))

    expect(await app.discover()).toMatchObject({ names: ['good'], problems: [] })
  })

  it.each<[title: string, arrange: (bad: string) => void, code: string, reason: string]>([
    [
      'of 600 MB',
      (bad) => {
        execFileSync('touch', [bad])
        truncateSync(bad, 600_000_000)
      },
      'EVENTSETS_PLUGIN_LIMIT',
      'has more than the 4194304 bytes that are read',
    ],
    [
      'in UTF-16, with a mark',
      (bad) => writeFileSync(bad, '\ufeff{"eventsets":{"sets":["./sets/*.json"]}}', 'utf16le'),
      'EVENTSETS_PLUGIN_MANIFEST',
      'is written in UTF-16, and only UTF-8 is read',
    ],
    [
      'in UTF-16, without a mark',
      (bad) => writeFileSync(bad, '{"eventsets":{"sets":["./sets/*.json"]}}', 'utf16le'),
      'EVENTSETS_PLUGIN_MANIFEST',
      'is written in UTF-16, and only UTF-8 is read',
    ],
  ])('a package.json %s is told, since nobody knows what it says', async (_, arrange, code, reason) => {
    const app = createApp(dependingOn(['bad', 'good']), plugin('bad'), plugin('good'))
    rmSync(app.path(BAD, 'package.json'))
    arrange(app.path(BAD, 'package.json'))
    const { names, problems } = await app.discover()

    expect(names).toEqual(['good'])
    expect(problems).toMatchObject([
      { code, message: `Plugin bad: its package.json ${reason}, so nobody knows whether it has event sets.` },
    ])
  })

  it('the package.json of the application in UTF-16 is told, and none above it is taken', async () => {
    const app = createApp(dependingOn(['good']), plugin('good'), {
      'inside/package.json': Buffer.from('\ufeff{}', 'utf16le'),
    })
    const { names, problems } = await app.discover({ cwd: app.path('inside') })

    expect(names).toEqual([])
    expect(problems).toMatchObject([
      {
        code: 'EVENTSETS_INVALID_CONFIGURATION',
        file: app.path('inside/package.json'),
        message: expect.stringContaining('it is written in UTF-16, and only UTF-8 is read'),
      },
    ])
  })

  it('a key that is written with the numbers of its letters is the same key', async () => {
    const app = createApp(dependingOn(['odd']), plugin('odd'), {
      'node_modules/odd/package.json': '{"name":"odd","\\u0065ventset\\u0073":{"sets":["./sets/*.json"]}}',
    })

    expect(await app.discover()).toMatchObject({ names: ['odd'], problems: [] })
  })

  it.runIf(existsSync(ENDLESS))(
    'a file that says nothing about its size is read up to the limit',
    async () => {
      const app = createApp({ 'package.json': { eventsets: { sets: [ENDLESS] } } })

      expect((await app.discover()).problems).toMatchObject([{ code: 'EVENTSETS_PLUGIN_LIMIT' }])
    },
  )

  it('a version that would act on a terminal is shown without it', async () => {
    const packageJson = { version: '1.0.0\u001b[2J\nINFO: forged' }
    const app = createApp(
      dependingOn(['bad']),
      plugin('bad', { packageJson, files: { 'sets/own.json': '{' } }),
    )
    const { problems } = await app.discover()

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ package: 'bad', version: undefined })
    expect(problems[0]?.message).toMatch(/^Plugin bad: sets\/own\.json is not valid JSON: /)
  })

  it('"__proto__" for a name, a mapping and a value is data', async () => {
    const set = `{
      "name": "proto",
      "mappings": [{ "name": "__proto__", "visualMarkers": { "__proto__": "🔥", "constructor": "🧱" } }],
      "fieldMappings": [{ "logKey": "__proto__.x", "mapping": "__proto__" }]
    }`
    const app = createApp(
      { 'package.json': '{ "dependencies": { "__proto__": "1", "constructor": "1" } }' },
      plugin('__proto__', { files: { 'sets/proto.json': set } }),
      plugin('constructor'),
    )

    expect(await app.discover()).toMatchObject({ names: ['proto', 'constructor'], problems: [] })
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('a configured module that', () => {
  const fine = JSON.stringify(eventSet('coded'))
  const CODE = 'EVENTSETS_PLUGIN_CODE'
  const NO_SETS = 'EVENTSETS_PLUGIN_NO_SETS'
  const INVALID = 'EVENTSETS_INVALID_EVENT_SET'
  const TIMEOUT = 'EVENTSETS_PLUGIN_TIMEOUT'
  const isApplication = `import { isMainThread } from 'node:worker_threads'`

  it.each<[does: string, text: string, code: string, reason: string]>([
    ['throws', 'throw new Error("no luck")', CODE, 'bad.mjs cannot be loaded: no luck.'],
    ['throws two lines', 'throw new Error("no\\nluck")', CODE, 'bad.mjs cannot be loaded: no\\nluck.'],
    ['throws what is no error', 'throw 5', CODE, 'bad.mjs cannot be loaded: 5.'],
    ['throws nothing', 'throw undefined', CODE, 'bad.mjs cannot be loaded: undefined.'],
    [
      'throws an error without a message',
      'throw new Error()',
      CODE,
      'bad.mjs cannot be loaded: an error without a message was thrown.',
    ],
    [
      'throws what has no text, in the application alone',
      `${isApplication}; if (isMainThread) throw Object.create(null)`,
      CODE,
      'bad.mjs cannot be loaded: something was thrown that has no text.',
    ],
    ['rejects', 'await Promise.reject(new Error("no luck"))', CODE, 'bad.mjs cannot be loaded: no luck.'],
    [
      'leaves a rejection that nobody handles',
      `Promise.reject(new Error('left behind')); export default ${fine}`,
      CODE,
      'bad.mjs cannot be loaded: left behind.',
    ],
    [
      'throws as soon as it has been loaded',
      `setTimeout(() => { throw new Error('left behind') }); export default ${fine}`,
      CODE,
      'bad.mjs cannot be loaded: left behind.',
    ],
    ['is no program', 'export default {', CODE, 'bad.mjs cannot be loaded: Unexpected end of input.'],
    [
      'waits for ever',
      'await new Promise(() => {})',
      TIMEOUT,
      'bad.mjs waits for something that never happens.',
    ],
    [
      'lets those wait for ever who await it',
      'export const then = () => {}',
      TIMEOUT,
      'bad.mjs waits for something that never happens.',
    ],
    [
      'waits for ever while something goes on',
      'setInterval(() => {}, 1000); await new Promise(() => {})',
      TIMEOUT,
      'bad.mjs was not loaded after 400 ms.',
    ],
    ['loops for ever', 'for (;;);', TIMEOUT, 'bad.mjs was not loaded after 400 ms.'],
    [
      'waits for ever in the application alone',
      `${isApplication}; if (isMainThread) await new Promise(() => {}); export default ${fine}`,
      TIMEOUT,
      'bad.mjs was not loaded after 400 ms.',
    ],
    [
      'ends the process',
      'process.exit(7)',
      'EVENTSETS_PLUGIN_EXIT',
      'bad.mjs ends the process when it is loaded (exit code 7).',
    ],
    [
      'ends the process as if nothing were wrong',
      'process.exit()',
      'EVENTSETS_PLUGIN_EXIT',
      'bad.mjs ends the process when it is loaded (exit code 0).',
    ],
    [
      'ends the process when its sets are asked for',
      'export default { get sets() { process.exit(0) } }',
      'EVENTSETS_PLUGIN_EXIT',
      'bad.mjs ends the process when it is loaded (exit code 0).',
    ],
    [
      'ends the process when a set is looked at',
      `export default [{ ...${fine}, get mappings() { process.exit(0) } }]`,
      'EVENTSETS_PLUGIN_EXIT',
      'bad.mjs ends the process when it is loaded (exit code 0).',
    ],
    [
      'loops for ever when its sets are asked for',
      'export default { get sets() { for (;;); } }',
      TIMEOUT,
      'bad.mjs was not loaded after 400 ms.',
    ],
    ['exports nothing', '', NO_SETS, 'bad.mjs exports no event sets.'],
    ['exports something else', `export const set = ${fine}`, NO_SETS, 'bad.mjs exports no event sets.'],
    ['exports an empty list', 'export default []', NO_SETS, 'bad.mjs exports no event sets.'],
    ['exports a text', 'export default "sets"', INVALID, 'expected an object, got "sets"'],
    ['exports null', 'export default null', INVALID, 'expected an object, got null'],
    ['exports a function', `export default () => (${fine})`, INVALID, 'expected an object, got a function'],
    [
      'exports a promise',
      `export default Promise.resolve(${fine})`,
      INVALID,
      'name: is required, but missing',
    ],
    ['exports a list with holes', 'export default [,]', INVALID, 'bad.mjs[0] is not a valid event set'],
    [
      'exports a list that never ends',
      'export default Object.assign([], { length: 2 ** 32 - 1 })',
      NO_SETS,
      'bad.mjs exports 4294967295 event sets, and at most 200 are read.',
    ],
    [
      'exports a getter that throws',
      'export default { get name() { throw new Error("hands off") } }',
      INVALID,
      'cannot be read: hands off',
    ],
    [
      'exports a proxy that throws',
      'export default new Proxy({}, { ownKeys() { throw new Error("hands off") }, has() { throw new Error("hands off") } })',
      INVALID,
      'cannot be read: hands off',
    ],
    [
      'exports a proxy of a list that throws',
      'export default new Proxy([], { get() { throw new Error("hands off") } })',
      NO_SETS,
      'bad.mjs exports what cannot be read: hands off.',
    ],
    [
      'exports a proxy that has been revoked',
      'const { proxy, revoke } = Proxy.revocable([], {}); revoke(); export default proxy',
      NO_SETS,
      'bad.mjs exports what cannot be read: ',
    ],
  ])('%s is one problem, and everything else loads', async (_, text, code, reason) => {
    const app = createApp(
      dependingOn(['good'], { eventsets: { sets: [eventSet('mine')], plugins: ['./bad.mjs'] } }),
      plugin('good'),
      { 'bad.mjs': text },
    )
    // Short only where it is waited for: on a busy machine a thread takes its time to start.
    const importTimeoutMs = reason.includes('400 ms') ? 400 : 30_000
    const { problems, names } = await app.discover({ importTimeoutMs })

    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({
      code,
      package: undefined,
      version: undefined,
      file: app.path('bad.mjs'),
      message: expect.stringContaining(reason),
    })
    expect(problems[0]?.message).toMatch(/^In .*package\.json: \.\/bad\.mjs/)
    expect(names).toEqual(['good', 'mine'])
  })

  it('is in a package is a problem of that package, and the data of the package loads', async () => {
    const packageJson = { eventsets: { sets: ['./sets/*.json'], module: './module.mjs' } }
    const files = { ...kept, 'module.mjs': 'throw new Error("no luck")' }
    const app = createApp(
      dependingOn(['bad'], { eventsets: { plugins: ['bad'] } }),
      plugin('bad', { packageJson, files }),
    )
    const { problems, names } = await app.discover()

    expect(problems).toEqual([
      {
        code: CODE,
        step: 'import',
        package: 'bad',
        version: '1.2.0',
        file: app.path(BAD, 'module.mjs'),
        message: 'Plugin bad 1.2.0: its module cannot be loaded: no luck.',
        hint: 'Mend the module, or take it out of the configuration.',
        issues: [],
      },
    ])
    expect(names).toEqual(['kept'])
  })

  it('prints is heard once', () => {
    const app = createApp({
      'package.json': { eventsets: { plugins: ['./loud.mjs'] } },
      'loud.mjs': `console.log('loud'); export default ${fine}`,
    })
    installEventsets(app)
    const { stdout } = runModule(
      app,
      `import { discoverEventSets } from 'eventsets'; await discoverEventSets()`,
    )

    expect(stdout).toBe('loud\n')
  })

  it.each(['--input-type=module', '--input-type=commonjs'])(
    'is fine loads in an application that is run with %s',
    (flag) => {
      const app = createApp({
        'package.json': { eventsets: { plugins: ['./coded.mjs'] } },
        'coded.mjs': `export default ${fine}`,
      })
      installEventsets(app)
      const text = `import('eventsets').then(async ({ discoverEventSets }) => {
      const { sets, problems } = await discoverEventSets()
      console.log(sets.at(-1).set.name, problems.length)
    })`
      const { stdout } = runProgram(process.execPath, [flag, '-e', text], { cwd: app.folder })

      expect(stdout).toBe('coded 0\n')
    },
  )
})

describe('an application with many broken plugins', () => {
  const good = { good: { status: 'done' }, msg: 'it works' }
  const lines = Array.from({ length: 500 }, (_, index) => ({ ...good, line: index }))
  const data = [...manifests, ...paths, ...contents]
  const nameOf = (index: number) => `bad-${String(index).padStart(3, '0')}`

  /** Each broken plugin as a dependency, under a name of its own. */
  function arrangeAll(more: object, ...trees: readonly Files[]): App {
    const names = data.map((_, index) => nameOf(index))
    const app = createApp(dependingOn(['a-first', 'good', ...names], more), plugin('good'), ...trees)
    app.write(plugin('a-first', { files: { 'sets/first.json': eventSet('first') } }))
    for (const [index, { packageJson, files, arrange }] of data.entries()) {
      // What stands in a folder `bad` is arranged there, and moved.
      app.write(
        plugin('bad', {
          ...(packageJson && { packageJson }),
          files: { ...files, 'sets/kept.json': eventSet(`kept-${index}`) },
        }),
      )
      arrange?.(app, app.path(BAD))
      renameSync(app.path(BAD), app.path('node_modules', nameOf(index)))
    }
    installEventsets(app)
    return app
  }

  const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]/

  it('logs every line with the markers of the good one, tells each problem once, and exits with 0', () => {
    const app = arrangeAll(
      {
        eventsets: {
          hideObject: true,
          plugins: ['./throws.mjs', './exits.mjs', './waits.mjs', './later.mjs', './proxy.mjs', './good.mjs'],
        },
      },
      {
        'throws.mjs': 'throw new Error("\\u001b[2J\\nINFO: forged")',
        'exits.mjs': 'process.exit(9)',
        'waits.mjs': 'await new Promise(() => {})',
        'later.mjs': `Promise.reject(new Error('later')); ${moduleOf(eventSet('later'))}`,
        'proxy.mjs': 'export default new Proxy([], { get() { throw new Error("hands off") } })',
        'good.mjs': moduleOf(eventSet('coded', '🧩')),
      },
    )
    const both = lines.map((line) => ({ ...line, coded: { status: 'done' } }))
    const { stdout, stderr, status } = runModule(app, logging(both))
    const told = stderr.split('\n').filter((line) => line.startsWith('eventsets: '))

    expect(stdout).toBe('INFO: [💰][🧩] it works\n'.repeat(lines.length))
    expect(status).toBe(0)
    expect(stderr).not.toMatch(control)
    expect(stderr.split('\n').every((line) => line === '' || /^(?:eventsets: | {2})/.test(line))).toBe(true)
    expect(new Set(told).size).toBe(told.length)
    for (const index of data.keys()) {
      const mine = told.filter((line) => line.includes(`Plugin ${nameOf(index)}`))
      expect(mine, data[index]?.title).toHaveLength(1)
    }
    expect(told).toHaveLength(data.length + 5)
  })
})
