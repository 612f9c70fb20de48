import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import type { Log, Run } from 'sarif'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { formatGithub } from '../../src/cli/lint-github.ts'
import { formatJunit } from '../../src/cli/lint-junit.ts'
import type { LintReport } from '../../src/cli/lint-report.ts'
import { formatSarif } from '../../src/cli/lint-sarif.ts'
import { lintOptions } from '../../src/cli/option.ts'
import { paymentSet, pluginManifest } from '../../src/lint/example.ts'
import type { Finding } from '../../src/lint/index.ts'
import { hasTerminal, root, runCli, runInTerminal, runProgram, runShell, temporaryFolder } from './run-cli.ts'

/** A folder with these files. What is no text is written as JSON. */
function folderWith(files: { readonly [path: string]: unknown }): string {
  const folder = temporaryFolder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(
      join(folder, path),
      typeof content === 'string' ? content : JSON.stringify(content, null, 2),
    )
  }
  return folder
}

const plugin = {
  'package.json': pluginManifest(),
  LICENSE: 'MIT\n',
  'README.md': '# Payments\n',
  'sets/payment.json': paymentSet(),
}

/** One error, one warning, one info. */
const wrong = paymentSet({
  description: undefined,
  priorty: 10,
  fieldMappings: [{ logKey: 'status', mapping: 'status', when: { 'payment.id': [] } }],
})

function findingsOf(stdout: string): Finding[] {
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
}

describe('lint', () => {
  it('tells what it found below the file, with place, level, code and what to do', () => {
    const { stdout, stderr, status } = runCli(['lint', 'payment.json'], {
      cwd: folderWith({ 'payment.json': wrong }),
    })

    expect(stdout).toBe(
      [
        'payment.json',
        '  1:1    info   missing-description   the set has no description',
        '                                      → Say in a few words what it is about, in "description".',
        '  18:23  warn   impossible-condition  no value of "payment.id" can match an empty list of globs',
        '                                      → Add a glob; "*" stands for any value.',
        '  22:3   error  unknown-key           priorty: is not a known key; did you mean "priority"?',
        '',
        '1 error, 1 warning, 1 info in 1 file.',
        'Each code has a page: https://unpkg.com/eventsets/docs/reference/lint/<code>.md',
        '',
      ].join('\n'),
    )
    expect([stderr, status]).toEqual(['', 1])
  })

  it('tells what to do about findings of one kind with the first of them', () => {
    const mappings = [
      { name: 'status', ranges: { a: [0, 1], b: [1, 2] }, visualMarkers: { paid: 'P', open: 'O' } },
    ]
    const cwd = folderWith({ 'payment.json': paymentSet({ mappings }) })
    const { stdout } = runCli(['lint', 'payment.json'], { cwd })

    expect(stdout.match(/ is text$/gm)).toHaveLength(2)
    expect(stdout.match(/→ An emoji stands out/g)).toHaveLength(1)
    const [first = ''] = /\d+:\d+(?= +\w+ +text-marker)/.exec(stdout) ?? []
    expect(stdout.split('\n').filter((line) => line.trim() === `→ as for ${first}`)).toHaveLength(1)
    // Of these the hint has the name of the range.
    expect(stdout.match(/→ Add "[ab]" to "visualMarkers"/g)).toHaveLength(2)
  })

  it('says so when there is nothing to tell', () => {
    const { stdout, stderr, status } = runCli(['lint', '.'], { cwd: folderWith(plugin) })

    expect([stdout, stderr, status]).toEqual(['Nothing found in 2 files.\n', '', 0])
  })

  it.each([
    [['--fail-on', 'error'], 'warn', 0],
    [['--fail-on', 'error'], 'error', 1],
    [[], 'info', 0],
    [[], 'warn', 1],
    [['--fail-on=warn'], 'warn', 1],
    [['--fail-on', 'info'], 'info', 1],
    [['--fail-on', 'info'], 'none', 0],
  ])('with %j and a finding of level %s ends with %d', (options, level, expected) => {
    const changes = {
      none: {},
      info: { description: undefined },
      warn: { fieldMappings: [{ logKey: 'status', mapping: 'status' }] },
      error: { priority: 'high' },
    }[level]
    const cwd = folderWith({ 'payment.json': paymentSet(changes) })

    expect(runCli(['lint', 'payment.json', ...options], { cwd }).status).toBe(expected)
  })

  it('takes several targets: set files, folders, their package.json, tarballs, packages', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop' },
      'a.json': paymentSet({ name: 'a', description: undefined }),
      ...Object.fromEntries(
        ['plugin', 'other'].flatMap((folder) =>
          Object.entries(plugin).map(([path, content]) => [`${folder}/${path}`, content]),
        ),
      ),
      'other/README.md': '# Payments\n',
      'node_modules/acme/package.json': pluginManifest({ name: 'acme', license: undefined, files: ['lib'] }),
      'node_modules/acme/sets/payment.json': paymentSet(),
    })
    writeFileSync(join(cwd, 'other/package.json'), JSON.stringify(pluginManifest({ license: undefined })))
    const { status: packed } = runProgram('npm', ['pack', '--silent', join(cwd, 'plugin')], { cwd })
    const tarball = 'eventsets-plugin-payment-1.0.0.tgz'
    const { stdout, status } = runCli(
      ['lint', 'a.json', 'plugin', 'other/package.json', tarball, 'acme', '--json'],
      { cwd },
    )
    const { files } = JSON.parse(stdout) as { files: string[] }

    expect([packed, status]).toEqual([0, 1])
    expect(files).toEqual([
      'plugin/package.json',
      'plugin/sets/payment.json',
      'other/package.json',
      'other/sets/payment.json',
      `${tarball}/package.json`,
      `${tarball}/sets/payment.json`,
      'node_modules/acme/package.json',
      'node_modules/acme/sets/payment.json',
      'a.json',
    ])
    // What is installed is as it was published, whatever its "files" say.
    expect(findingsOf(stdout).map(({ code, file }) => [code, file])).toEqual([
      ['missing-license', 'other/package.json'],
      ['missing-license', 'node_modules/acme/package.json'],
      ['missing-license-file', 'node_modules/acme/package.json'],
      ['missing-readme', 'node_modules/acme/package.json'],
      ['unfindable-name', 'node_modules/acme/package.json'],
      ['missing-description', 'a.json'],
    ])
  })

  it('lets sets link to each other that are named together', () => {
    const cwd = folderWith({
      'payment.json': paymentSet(),
      'refund.json': paymentSet({
        name: 'refund',
        mappings: [],
        fieldMappings: [{ logKey: 'refund.status', eventSetName: 'payment', mapping: 'status' }],
      }),
    })

    expect(runCli(['lint', 'payment.json', 'refund.json'], { cwd }).status).toBe(0)
    expect(findingsOf(runCli(['lint', 'refund.json', '--json'], { cwd }).stdout)).toMatchObject([
      { code: 'unknown-linked-set' },
    ])
  })

  it('asks npm what it would pack of a package that is linked into node_modules', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop' },
      'packages/acme/package.json': pluginManifest({ name: 'acme', files: ['lib'] }),
      'packages/acme/sets/payment.json': paymentSet(),
      'node_modules/.keep': '',
    })
    symlinkSync(join(cwd, 'packages/acme'), join(cwd, 'node_modules/acme'))

    const found = findingsOf(runCli(['lint', 'acme', '--json'], { cwd }).stdout)

    expect(found.map(({ code }) => code)).toContain('set-not-packed')
  })

  it('tells of targets that are not there, and what it found in the others', () => {
    const cwd = folderWith({ 'payment.json': wrong, 'empty/.keep': '', 'broken.tgz': 'no gzip' })
    const { stdout, stderr, status } = runCli(
      ['lint', 'payment.json', 'paymnt.json', 'empty', 'broken.tgz', '../../no/../package'],
      { cwd },
    )

    expect(stdout).toContain('unknown-key')
    expect(stderr).toContain('eventsets: cannot check "paymnt.json": there is no such file or folder')
    expect(stderr).toContain('eventsets: "empty" is no package')
    expect(stderr).toContain('eventsets: cannot read the tarball "broken.tgz": it is no gzip file')
    expect(stderr).toContain('eventsets: cannot check "../../no/../package"')
    expect(status).toBe(2)
  })

  it('prints no result when there is none', () => {
    const { stdout, status } = runCli(['lint', 'no.json', '--json'], { cwd: temporaryFolder() })

    expect([stdout, status]).toEqual(['', 2])
  })

  it('refuses what is no regular file without waiting for it', () => {
    const cwd = temporaryFolder()
    runProgram('mkfifo', ['pipe.json'], { cwd })

    const { stderr, status } = runCli(['lint', 'pipe.json'], { cwd })

    expect(stderr).toContain('it is no regular file')
    expect(status).toBe(2)
  })

  it.each([
    [['--format', 'xml'], 'Choose one of text, json, github, sarif, junit'],
    [['--fail-on', 'never'], 'Choose one of error, warn, info'],
    [['--json', '--format', 'sarif'], 'are two formats'],
  ])('refuses %j', (options, message) => {
    const { stdout, stderr, status } = runCli(['lint', ...options], { cwd: temporaryFolder() })

    expect(stderr).toContain(message)
    expect([stdout, status]).toEqual(['', 2])
  })

  it('has no findings for what comes with eventsets', () => {
    const sets = ['http', 'database', 'system'].map((name) => `sets/${name}.json`)

    expect(runCli(['lint', ...sets], { cwd: root }).status).toBe(0)
  })
})

describe('docs/reference/cli.md', () => {
  it('has the options of lint, all of them and no others, with their choices', () => {
    const page = readFileSync(join(root, 'docs/reference/cli.md'), 'utf8')
    const [, section = ''] = /\n## Options of lint\n([\s\S]*?)\n## /.exec(page) ?? []
    const rows = section.split('\n').filter((line) => line.startsWith('| `-'))
    const documented = rows.flatMap((row) =>
      [...(row.split(' | ')[0] ?? '').matchAll(/--[a-z-]+/g)].map(([name]) => name),
    )
    const options = lintOptions.flatMap(({ name, negation, isOnByDefault }) => [
      ...(isOnByDefault ? [] : [`--${name}`]),
      ...(negation === undefined ? [] : [`--no-${name}`]),
    ])

    expect(documented.sort()).toEqual([...options, '--help'].sort())
    for (const { name, choices = [] } of lintOptions) {
      const row = rows.find((line) => line.includes(`--${name} `))
      for (const choice of choices) expect(row, name).toContain(`\`${choice}\``)
    }
  })
})

describe('lint without a target', () => {
  it('checks the sets of the application, and tells what is wrong with its configuration and plugins', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop', private: true, dependencies: { acme: '1' } },
      'eventsets.config.json': { sets: ['own.json'], exlude: [] },
      'own.json': paymentSet({ description: undefined }),
      'node_modules/acme/package.json': { name: 'acme', eventsets: { sets: ['no.json'] } },
    })
    const { stdout, status } = runCli(['lint', '--json'], { cwd })

    expect(findingsOf(stdout).map(({ code, file }) => [code, file])).toEqual([
      ['invalid-configuration', 'eventsets.config.json'],
      ['no-set-files', 'node_modules/acme/package.json'],
      ['missing-description', 'own.json'],
    ])
    expect(status).toBe(1)
  })

  it('finds nothing where there is nothing of one’s own', () => {
    const { stdout, status } = runCli(['lint'], { cwd: folderWith({ 'package.json': { name: 'shop' } }) })

    expect([stdout, status]).toEqual(['Nothing found.\n', 0])
  })

  it('tells what the configuration excludes for nothing', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop', eventsets: { exclude: ['databse', 'http'] } },
    })
    const { stdout, status } = runCli(['lint'], { cwd })

    expect(stdout).toContain('this application\n')
    expect(stdout).toContain('"databse" under "exclude" matches no package and no event set')
    expect(stdout).toContain('; did you mean "database"?')
    expect(stdout).toContain('1 warning.')
    expect(status).toBe(1)
    expect(runCli(['lint', '--no-discovery', '--no-config'], { cwd }).status).toBe(0)
  })

  it('is asked for where it is given the configuration of an application', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop', eventsets: { exclude: ['http'] } },
      'eventsets.config.json': { exlude: [] },
      'eventsets.config.yaml': 'exlude: []\n',
    })
    const targets = ['.', 'eventsets.config.json', 'eventsets.config.yaml']
    const { stdout, status } = runCli(['lint', ...targets, '--json'], { cwd })

    expect(findingsOf(stdout)).toMatchObject(
      ['package.json', 'eventsets.config.json', 'eventsets.config.yaml'].map((file) => ({
        code: 'application-configuration',
        file,
        level: 'info',
      })),
    )
    expect(status).toBe(0)
  })

  it('tells once, and as an error, that the set of a plugin has the name of another one', () => {
    const cwd = folderWith({ ...plugin, 'sets/payment.json': paymentSet({ name: 'http' }) })
    const taken = (args: readonly string[]) => findingsOf(runCli(['lint', ...args, '--json'], { cwd }).stdout)

    expect(taken([])).toMatchObject([
      { code: 'set-name-taken', level: 'error', hint: expect.stringContaining('a plugin cannot replace') },
    ])
    // Alone it may be meant to replace the other one.
    expect(taken(['sets/payment.json'])).toMatchObject([
      { code: 'set-name-taken', level: 'warn', hint: expect.stringContaining('"override"') },
    ])
  })

  it('looks at neither plugins nor configuration when it is told so', () => {
    const cwd = folderWith({
      'package.json': { name: 'shop', dependencies: { acme: '1' } },
      'eventsets.config.json': { exlude: [] },
      'node_modules/acme/package.json': { name: 'acme', eventsets: 7 },
    })

    expect(runCli(['lint', '--no-discovery', '--no-config'], { cwd }).status).toBe(0)
    expect(runCli(['lint'], { cwd }).status).toBe(1)
  })

  it('checks the plugin in whose folder it runs, and tells each finding once', () => {
    const cwd = folderWith({
      ...plugin,
      'package.json': pluginManifest({ license: undefined }),
      'sets/payment.json': paymentSet({ description: undefined }),
    })

    expect(findingsOf(runCli(['lint', '--json'], { cwd }).stdout).map(({ code }) => code)).toEqual([
      'missing-license',
      'missing-description',
    ])
  })
})

/** Clears the screen, starts a command of GitHub, a line, an element, an attribute; writes backwards, hides. */
const hostile = '\u001b[2J\u0007\u009b31m\u202e\u200b\r\n::error::owned\n%0A,:<b a="\'&]]>\uffff\ud800http'
const ACTING =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\u{e0041}/u

describe('lint of hostile text', () => {
  const hostileFolder = () =>
    folderWith({
      'package.json': pluginManifest({
        name: hostile,
        version: hostile,
        license: undefined,
        eventsets: { sets: [hostile, './*.json'], [hostile]: hostile },
        peerDependencies: { eventsets: hostile },
        private: true,
      }),
      '::error::owned%0A,<b>"\u001b[2J\u202e.json': {
        name: `x${hostile}`,
        [hostile]: hostile,
        priority: hostile,
        mappings: [
          {
            name: hostile,
            visualMarkers: { [hostile]: hostile.slice(0, 40), ok: '\u001b' },
            ranges: { [hostile]: [0, 1] },
            metadataFields: { [`${hostile}2`]: { [hostile]: hostile } },
            transformations: { [hostile]: 'lower' },
            defaultKey: `${hostile}3`,
          },
        ],
        fieldMappings: [
          { logKey: hostile, aliases: [hostile], mapping: hostile, defaultValue: hostile },
          { logKey: hostile, mapping: `${hostile}4`, when: { [hostile]: [] } },
        ],
      },
    })

  it.each(['text', 'json', 'github', 'sarif', 'junit'])('cannot act on the terminal: %s', (format) => {
    const { stdout, stderr, status } = runCli(['lint', '.', '--format', format], { cwd: hostileFolder() })

    expect([stderr, status]).toEqual(['', 1])
    expect(stdout).toContain('unsafe-text')
    expect(stdout.replace(/^\{[\s\S]*\}$/m, '')).not.toMatch(ACTING)
    expect(stdout).not.toMatch(ACTING)
  })

  it('cannot give commands to GitHub', () => {
    const { stdout } = runCli(['lint', '.', '--format', 'github'], { cwd: hostileFolder() })
    const lines = stdout.trimEnd().split('\n')

    for (const line of lines.slice(0, -1)) {
      expect(line).toMatch(
        /^::(?:error|warning|notice) (?:[a-z]+=[^:,\n]*,)*title=eventsets%3A [a-z0-9-]+::[^\r\n]+$/,
      )
    }
    expect(lines.at(-1)).toMatch(/^\d+ errors?, /)
  })

  it('begins no line with a command of GitHub in text', () => {
    const { stdout } = runCli(['lint', '.'], { cwd: hostileFolder() })

    expect(stdout).not.toMatch(/^\s*::/m)
  })

  it.each(['text', 'json', 'github', 'sarif', 'junit'])('cannot command a CI system: %s', (format) => {
    const commands = [
      '##vso[task.setvariable variable=a]b',
      '##[error]owned',
      '##teamcity[message]',
      '::add-mask::x',
      '  ::set-output name=a::b',
    ]
    const mapping = { name: '##vso[task.complete]', visualMarkers: { '##[warning]k': 'a', b: 'c' } }
    const cwd = folderWith({
      ...Object.fromEntries(commands.map((command) => [`${command}.json`, {}])),
      'package.json': pluginManifest({
        name: '::error::owned',
        eventsets: { sets: commands.map((command) => `./${command}.json`), '##[debug]x': 1 },
      }),
      'payment.json': paymentSet({ name: '##[group]x', mappings: [mapping], fieldMappings: [] }),
    })
    const names = commands.map((command) => `${command}.json`)
    const { stdout, stderr } = runCli(['lint', '.', ...names, 'payment.json', '##[x]', '--format', format], {
      cwd,
    })
    const own = /^::(?:error|warning|notice) (?:[a-z]+=[^:,\n]*,)*title=eventsets%3A [a-z0-9-]+::/gm

    expect(stdout).toContain('task.complete')
    expect(stdout.replace(format === 'github' ? own : '', '')).not.toMatch(/^\s*::/m)
    expect(stderr).toContain('cannot check "# #[x]"')
    for (const text of [stdout, stderr]) expect(text).not.toMatch(/##(?:vso|teamcity)?\[/)
    if (format !== 'json') return
    const { files } = JSON.parse(stdout) as { files: string[] }
    expect(files).toEqual(expect.arrayContaining(names.slice(0, 3)))
  })

  it('stays text in XML', () => {
    const { stdout } = runCli(['lint', '.', '--format', 'junit'], { cwd: hostileFolder() })

    expect(readXml(stdout).map(({ name }) => name)).toContain('failure')
    expect(stdout).not.toContain('<b')
  })

  it('is the same text in JSON', () => {
    const { stdout } = runCli(['lint', '.', '--json'], { cwd: hostileFolder() })

    expect(findingsOf(stdout).map(({ set }) => set)).toContain(`x${hostile}`)
  })
})

interface Element {
  readonly name: string
  readonly attributes: { readonly [name: string]: string }
  readonly text: string
}

/** Every element of a document of XML; anything that is none, or not closed, is an error. */
function readXml(xml: string): Element[] {
  const elements: Element[] = []
  const open: string[] = []
  const body = xml.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
  const readEntities = (text: string) =>
    text.replace(/&(amp|lt|gt|quot|apos|#58);|&/g, (entity, name: string | undefined) => {
      if (name === undefined) throw new Error(`a bare & in ${text}`)
      return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#58': ':' }[name] ?? entity
    })
  for (const part of body.split(/(?=<)/)) {
    const tag = /^<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>([^<>]*)$/.exec(part)
    if (!tag) throw new Error(`no element: ${JSON.stringify(part)}`)
    const [, isEnd, name = '', attributes = '', isEmpty, text = ''] = tag
    if (isEnd) {
      if (open.pop() !== name) throw new Error(`</${name}> is not open`)
      continue
    }
    if (!isEmpty) open.push(name)
    const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)]
    elements.push({
      name,
      attributes: Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, readEntities(value)])),
      text: readEntities(text),
    })
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`)
  return elements
}

describe('any text', () => {
  const anyText = fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  })
  const report = (text: string): LintReport => {
    const finding: Finding = {
      ...{ code: 'unsafe-text', level: 'warn', file: text, line: 1, column: 1, path: text },
      ...{ set: text, package: text, message: text, hint: text, url: 'https://example.org' },
    }
    const nowhere = { ...finding, file: undefined, line: undefined, column: undefined }
    return { findings: [finding, nowhere], files: [text], failOn: 'warn' }
  }

  it('is valid in XML', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const xml = formatJunit(report(text))

        // Characters that XML 1.0 has.
        expect(xml).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u)
        expect(readXml(xml).filter(({ name }) => name === 'failure')).toHaveLength(2)
      }),
    )
  })

  it('is valid in SARIF, and a file has a URI', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { results } = (JSON.parse(formatSarif(report(text))) as Log).runs[0] as Run
        const uri = results?.[0]?.locations?.[0]?.physicalLocation?.artifactLocation?.uri ?? ' '

        expect(uri).toMatch(/^[!-~]*$/)
      }),
    )
  })

  it('is one line in the annotations of GitHub', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const lines = formatGithub(report(text)).split('\n')

        expect(lines).toHaveLength(4)
        for (const line of lines.slice(0, 2)) expect(line).toMatch(/^::warning /)
      }),
    )
  })
})

describe('lint of very much', () => {
  const many = paymentSet({
    mappings: [
      {
        name: 'status',
        visualMarkers: Object.fromEntries(Array.from({ length: 7000 }, (_, index) => [`v${index}`, 'x'])),
      },
    ],
  })

  it('shows the first findings of a file as text, and says how many more there are', () => {
    const { stdout } = runCli(['lint', 'many.json'], { cwd: folderWith({ 'many.json': many }) })

    expect(stdout.match(/text-marker/g)).toHaveLength(200)
    expect(stdout).toContain('\n  … and 4801 infos more; --json has them\n')
    expect(stdout).toContain('\n5001 infos in 1 file.\n')
  })

  it('has an end in the other formats, too, which say how many more there are', () => {
    const { stdout } = runCli(['lint', 'many.json', '--json'], { cwd: folderWith({ 'many.json': many }) })
    const found = findingsOf(stdout)

    expect(found).toHaveLength(5001)
    expect(found.at(-1)?.message).toMatch(/ is text; and 1999 more findings of this code behind it$/)
  })

  it('does not repeat a name that fills the file', () => {
    const name = 'n'.repeat(400_000)
    const set = paymentSet({
      name,
      mappings: [{ name: 'status', metadataFields: { [name]: { a: 1, b: 2 } } }],
    })
    const { stdout } = runCli(['lint', 'long.json', '--json'], { cwd: folderWith({ 'long.json': set }) })

    expect(findingsOf(stdout).length).toBeGreaterThan(0)
    expect(stdout.length).toBeLessThan(50_000)
  })
})

describe('lint where there is no working directory', () => {
  it.each(['', 'x.json', '/etc/passwd'])('says so, asked for %j', (target) => {
    const line = `mkdir gone; cd gone; rmdir ../gone; eventsets lint ${target}`
    const { stdout, stderr, status } = runShell(line, { cwd: temporaryFolder() })

    expect([stdout, status]).toEqual(['', 2])
    expect(stderr).toMatch(/^eventsets: the working directory is not there any more/)
  })
})

describe('lint --format junit', () => {
  it('has a suite for each file and a case for each finding; those below the level that fails pass', () => {
    const cwd = folderWith({
      'payment.json': wrong,
      'refund.json': paymentSet({
        name: 'refund',
        fieldMappings: [{ logKey: 'refund.status', mapping: 'status' }],
      }),
    })
    const { stdout } = runCli(['lint', 'payment.json', 'refund.json', '--format', 'junit'], { cwd })
    const elements = readXml(stdout)
    const named = (name: string) => elements.filter((element) => element.name === name)

    expect(named('testsuites')).toMatchObject([{ attributes: { tests: '4', failures: '2', errors: '0' } }])
    expect(
      named('testsuite').map(({ attributes }) => [attributes.name, attributes.tests, attributes.failures]),
    ).toEqual([
      ['payment.json', '3', '2'],
      ['refund.json', '1', '0'],
    ])
    expect(named('testcase').map(({ attributes }) => attributes.name)).toEqual([
      'missing-description at 1:1',
      'impossible-condition at 18:23',
      'unknown-key at 22:3',
      'lint',
    ])
    expect(named('failure').map(({ attributes }) => attributes.type)).toEqual(['warn', 'error'])
    expect(named('failure')[1]?.text).toContain('did you mean "priority"?\nhttps://unpkg.com/')
    expect(named('system-out')[0]?.text).toContain('the set has no description')
  })
})

describe('lint --format sarif', () => {
  it('has a rule and a result for each finding, with its place as a URI and a region', () => {
    const cwd = folderWith({ 'sets/my payment#1.json': wrong })
    const elsewhere = folderWith({ 'other.json': paymentSet({ description: undefined }) })
    const { stdout } = runCli(
      ['lint', 'sets/my payment#1.json', join(elsewhere, 'other.json'), '--format', 'sarif'],
      { cwd },
    )
    const { version, $schema, runs } = JSON.parse(stdout)
    const [{ tool, results, columnKind }] = runs

    expect([version, $schema, runs.length]).toEqual([
      '2.1.0',
      'https://json.schemastore.org/sarif-2.1.0.json',
      1,
    ])
    expect(tool.driver).toMatchObject({
      name: 'eventsets',
      version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
    })
    expect(columnKind).toBe('utf16CodeUnits')
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId)
    expect(results[2]).toEqual({
      ruleId: 'unknown-key',
      ruleIndex: expect.any(Number),
      level: 'error',
      message: { text: 'priorty: is not a known key; did you mean "priority"?' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'sets/my%20payment%231.json' },
            region: { startLine: 22, startColumn: 3 },
          },
          logicalLocations: [{ fullyQualifiedName: 'payment priorty' }],
        },
      ],
    })
    expect(results.map(({ level }: { level: string }) => level)).toContain('note')
    expect(stdout).toContain(pathToFileURL(join(elsewhere, 'other.json')).href)
  })
})

describe('lint --format github', () => {
  it('is a command for each finding, and a summary', () => {
    const cwd = folderWith({ 'payment.json': wrong })
    const { stdout } = runCli(['lint', 'payment.json', '--format', 'github'], { cwd })

    expect(stdout.split('\n')).toEqual([
      '::notice file=payment.json,line=1,col=1,title=eventsets%3A missing-description::the set has no description%0ASay in a few words what it is about, in "description".',
      '::warning file=payment.json,line=18,col=23,title=eventsets%3A impossible-condition::no value of "payment.id" can match an empty list of globs%0AAdd a glob; "*" stands for any value.',
      '::error file=payment.json,line=22,col=3,title=eventsets%3A unknown-key::priorty: is not a known key; did you mean "priority"?',
      '1 error, 1 warning, 1 info in 1 file.',
      '',
    ])
  })
})

describe('lint --json', () => {
  it('has a stable document, in which what is not known is null', () => {
    const cwd = folderWith({ 'payment.json': wrong })
    const document = JSON.parse(runCli(['lint', 'payment.json', '--json'], { cwd }).stdout)

    expect(document).toMatchObject({
      version: 1,
      summary: { error: 1, warn: 1, info: 1 },
      files: ['payment.json'],
    })
    expect(document.findings[2]).toEqual({
      code: 'unknown-key',
      level: 'error',
      file: 'payment.json',
      line: 22,
      column: 3,
      path: 'priorty',
      set: 'payment',
      package: null,
      message: 'priorty: is not a known key; did you mean "priority"?',
      hint: null,
      url: 'https://unpkg.com/eventsets/docs/reference/lint/unknown-key.md',
    })
  })
})

describe.runIf(hasTerminal)('lint in a terminal', () => {
  it.each([80, 50])('fits %d columns', (columns) => {
    const cwd = folderWith({ 'payment.json': wrong })
    const { stdout } = runInTerminal('eventsets lint payment.json --no-color', { columns, cwd })
    const lines = stdout.split('\n').filter((line) => !line.includes('https://'))

    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns)
    expect(stdout).toContain('did you mean')
  })

  it('has colours, which end with each line', () => {
    const cwd = folderWith({ 'payment.json': wrong })
    const { stdout } = runInTerminal('eventsets lint payment.json', { cwd })

    expect(stdout).toContain('\u001b[31merror\u001b[39m')
    for (const line of stdout.split('\n')) {
      const codes = [...line.matchAll(/\u001b\[(\d+)m/g)].map(([, code]) => Number(code))
      if (codes.length > 0) expect([22, 24, 39]).toContain(codes.at(-1))
    }
  })
})
