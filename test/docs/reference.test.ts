import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import { parseEventSet } from '../../src/core/event-set.ts'
import { transformationNames } from '../../src/core/transformation.ts'
import { createCodeLoader } from '../../src/discovery/code-module.ts'
import { configurationKeys, loadConfiguration, PLACES } from '../../src/discovery/configuration.ts'
import { findProject } from '../../src/discovery/packages.ts'
import { createTrust } from '../../src/discovery/trust.ts'
import * as main from '../../src/index.ts'
import * as pino from '../../src/pino/index.ts'
import { parseTransportOptions } from '../../src/pino/options.ts'
import * as pretty from '../../src/pretty/index.ts'
import { blocksOf, listPages } from './page.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8')

describe('docs/reference/options.md', () => {
  const page = read('docs/reference/options.md')
  const shared = ['Markers', 'Lines', 'Text', 'Destination'].flatMap((title) => rowsOf(section(page, title)))

  it('lists exactly the options of the transport', () => {
    const listed = [...shared, ...rowsOf(section(page, 'Only in the transport'))]

    expect(listed.sort()).toEqual(knownOptions(() => parseTransportOptions({ [NO_OPTION]: 1 })))
  })

  it('lists exactly the options of the stream', () => {
    const listed = [...shared, ...rowsOf(section(page, 'Only in the stream'))]

    expect(listed.sort()).toEqual(knownOptions(() => pino.eventsetsStream({ [NO_OPTION]: 1 } as never)))
  })
})

describe('docs/reference/configuration.md', () => {
  const page = read('docs/reference/configuration.md')
  /** The text of a section, without those of the third level in it. */
  const body = (title: string) => section(page, title).split(/^### /m)[0] ?? ''

  it('lists exactly the places, in the order of precedence', () => {
    expect(rowsOf(body('Places'))).toEqual(PLACES)
  })

  it('lists exactly the keys', () => {
    expect(rowsOf(body('Keys')).sort()).toEqual([...configurationKeys].sort())
  })

  it('lists exactly the variables of the environment', () => {
    const named = read('src/discovery/environment.ts').matchAll(/\b(EVENTSETS_[A-Z_]+):/g)

    expect(rowsOf(body('Environment')).sort()).toEqual([...named].map(([, name]) => name).sort())
  })
})

/** All but those that show what is wrong, and how it is found. */
const soundPages = listPages(root).filter((page) => !/^docs\/reference\/lint[./]/.test(page))

describe('configurations on all pages', () => {
  const shown = soundPages.flatMap((page) =>
    blocksOf(read(page)).flatMap(({ language, file, code }) => {
      const isFile = file !== undefined && PLACES.includes(file)
      const isManifest = language === 'json' && /^ {2}"eventsets": \{/m.test(code)
      return isFile || isManifest ? [{ page, name: isFile ? file : 'package.json', code }] : []
    }),
  )

  it.each(shown)('are valid in $page: $name', async ({ name, code }) => {
    const folder = mkdtempSync(join(tmpdir(), 'eventsets-shown-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, name), code)

    const { project } = findProject(folder)
    const role = 'application'
    const trust = createTrust(role, undefined)
    const loader = createCodeLoader({ role, trust, timeoutMs: 5000 })
    const { problems } = await loadConfiguration({
      cwd: folder,
      project,
      config: undefined,
      role,
      trust,
      loader,
    })
    expect(problems).toEqual([])
  })
})

describe('docs/reference/api.md', () => {
  const page = read('docs/reference/api.md')

  it.each([
    ['eventsets', main],
    ['eventsets/pino', pino],
    ['eventsets/pretty', pretty],
  ])('has a heading for exactly what %s exports', (entry, exports) => {
    const headings = headingsOf(section(page, entry))

    // What `require` gives has the same things on it.
    const names = Object.keys(exports).filter((name) => name !== 'module.exports')
    expect(headings.sort()).toEqual(names.sort())
  })

  it('names exactly the types that are exported', () => {
    const folders = ['core', 'discovery', 'log-stream', 'pino', 'pretty']
    const indexes = folders.map((folder) => read(`src/${folder}/index.ts`))
    const exported = indexes.flatMap(typesOf)

    expect(rowsOf(section(page, 'Types')).sort()).toEqual(exported.sort())
  })
})

describe('docs/reference/errors.md', () => {
  const page = read('docs/reference/errors.md')

  it('has a heading for exactly the error codes', () => {
    const codes = membersOf('ErrorCode', read('src/core/errors.ts'))

    expect(headingsOf(section(page, 'Codes')).sort()).toEqual(codes.sort())
  })

  it('lists exactly the issue codes', () => {
    const codes = membersOf('IssueCode', read('src/core/issue.ts'))

    expect(rowsOf(section(page, 'Issues')).sort()).toEqual(codes.sort())
  })
})

describe('docs/reference/event-set.md', () => {
  const page = read('docs/reference/event-set.md')
  const { properties } = JSON.parse(read('schema.json'))

  it.each([
    ['EventSet', properties],
    ['EventMapping', properties.mappings.items.properties],
    ['FieldMapping', properties.fieldMappings.items.properties],
  ])('lists exactly the fields of %s', (name, fields) => {
    expect(rowsOf(section(page, name)).sort()).toEqual(Object.keys(fields).sort())
  })

  it('lists exactly the named transformations', () => {
    expect(rowsOf(section(page, 'Transformations'))).toEqual(transformationNames)
  })

  it('shows for each transformation what it really makes', async () => {
    const { transformations } = await import('../../src/core/transformation.ts')
    const rows = [...section(page, 'Transformations').matchAll(/^\| `(\w+)` .*\| `(.+)` → `(.+)` \|$/gm)]

    const made = rows.map(([, name, input = '']) => {
      const transformation = transformations[name as keyof typeof transformations]
      return [name, transformation(JSON.parse(input))]
    })

    expect(made).toEqual(rows.map(([, name, , output = '']) => [name, JSON.parse(output)]))
    expect(made).toHaveLength(transformationNames.length)
  })
})

describe('event sets on all pages', () => {
  const shown = soundPages.flatMap((page) =>
    blocksOf(read(page))
      .filter(({ language, code }) => language === 'json' && /"(?:field)?mappings"/i.test(code))
      .map(({ code }) => ({ page, code })),
  )

  it.each(shown)('are valid in $page', ({ code }) => {
    expect(parseEventSet(JSON.parse(code)).issues).toBeUndefined()
  })
})

const NO_OPTION = 'thereIsNoOptionOfThisName'

/** What the message about an unknown option says is known. */
function knownOptions(use: () => unknown): string[] {
  try {
    use()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    const known = /known are (.*)$/.exec(error.issues[0]?.message ?? '')?.[1]?.split(', ') ?? []
    return [...new Set(known)].sort()
  }
  throw new Error('took an option that does not exist')
}

/** The text below the heading of the second level with this title. */
function section(page: string, title: string): string {
  const found = page.split(/^## /m).find((part) => part.startsWith(`${title}\n`))
  if (found === undefined) throw new Error(`no section ${title}`)
  return found
}

/** The names in the first column of every table: "`a`, `b`" is two. */
function rowsOf(text: string): string[] {
  return [...text.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
}

/** The names in the headings of the third level; the default export goes by the name `default`. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^### (.*)$/gm)].map(([, heading = '']) =>
    heading.includes('(default export)') ? 'default' : (/`(.*)`/.exec(heading)?.[1] ?? heading),
  )
}

function typesOf(index: string): string[] {
  const whole = [...index.matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names = '']) => names.split(','))
  const marked = [...index.matchAll(/\btype (\w+)/g)].map(([, name = '']) => name)
  return [...new Set([...whole.map((name) => name.trim()).filter(Boolean), ...marked])]
}

function membersOf(union: string, source: string): string[] {
  const text = new RegExp(`type ${union} =([^\\n]*(?:\\n  \\|[^\\n]*)*)`).exec(source)?.[1] ?? ''
  return [...text.matchAll(/'(\w+)'/g)].map(([, member = '']) => member)
}
