import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as bus from '../../src/bus/index.ts'
import { ValidationError } from '../../src/core/errors.ts'
import { busBackendConformance } from '../../src/testing/index.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/reference/bus.md')

describe('docs/reference/bus.md', () => {
  it('lists exactly what eventsets/bus exports', () => {
    expect(rowsOf(section('Exports')).sort()).toEqual(Object.keys(bus).sort())
  })

  it('names exactly the types that are exported', () => {
    expect(rowsOf(section('Types')).sort()).toEqual(typesOf(read('src/bus/index.ts')).sort())
  })

  it('lists exactly the options of the bus', () => {
    const known = knownOf(() => new bus.EventBus({ thereIsNoOptionOfThisName: 1 } as never))

    expect(rowsOf(section('Options of the bus')).sort()).toEqual(known.sort())
  })

  it('lists exactly the options of a handler', () => {
    const use = () => new bus.EventBus().on('a', () => {}, { thereIsNoOptionOfThisName: 1 } as never)

    expect(rowsOf(section('A handler')).sort()).toEqual([...knownOf(use), ...CONTEXT].sort())
  })

  it('lists exactly the options of the memory backend', () => {
    const known = knownOf(() => bus.memoryBackend({ thereIsNoOptionOfThisName: 1 } as never))

    expect(rowsOf(section('memoryBackend')).sort()).toEqual(known.sort())
  })

  it('lists exactly the methods and properties of the bus', () => {
    const own = Object.getOwnPropertyNames(bus.EventBus.prototype).filter((name) => name !== 'constructor')
    const listed = rowsOf(section('Methods')).map((row) => row.replace(/\(.*$/, ''))

    expect([...new Set(listed)].sort()).toEqual([...own, 'deadLetters'].sort())
  })

  it('lists exactly the fields of an event', async () => {
    const event = await new bus.EventBus().publish('a', 1)
    const fields = Object.getOwnPropertyNames(Object.getPrototypeOf(event))
    const [table = ''] = section('An event').split('\nIts fields')

    expect(rowsOf(table).sort()).toEqual(
      fields.filter((name) => !['constructor', 'toJSON'].includes(name)).sort(),
    )
  })

  it('lists exactly the features of a backend, and which memory has', () => {
    const { features } = bus.memoryBackend()
    const rows = [...section('Backends').matchAll(/^\| `(\w+)` \|[^|]*\| (●|) ?\|/gm)]

    expect(Object.fromEntries(rows.map(([, name, mark]) => [name, mark === '●']))).toEqual(features)
  })
})

const CONTEXT = ['signal', 'attempt', 'isPublished', 'isRedelivered', 'publish', 'emit', 'transaction']

/** The text below a heading of the second level. */
function section(title: string): string {
  const found = page.split(/^## /m).find((part) => part.startsWith(`${title}\n`))
  if (found === undefined) throw new Error(`no section ${title}`)
  return found
}

/** The names in the first column of every table. */
function rowsOf(text: string): string[] {
  return [...text.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
}

function typesOf(index: string): string[] {
  const whole = [...index.matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names = '']) => names.split(','))
  const marked = [...index.matchAll(/\btype (\w+)/g)].map(([, name = '']) => name)
  return [...new Set([...whole.map((name) => name.trim()).filter(Boolean), ...marked])]
}

/** What the message about an unknown option says is known. */
function knownOf(use: () => unknown): string[] {
  try {
    use()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    return /known are (.*)$/.exec(error.issues[0]?.message ?? '')?.[1]?.split(', ') ?? []
  }
  throw new Error('took an option that does not exist')
}

describe('docs/reference/testing.md', () => {
  it('lists exactly the cases of the suite for backends, in their order', () => {
    const [, table = ''] = read('docs/reference/testing.md').split(/^## busBackendConformance$/m)
    const rows = [...table.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(([, name = '']) => name)
    const cases = busBackendConformance(bus.memoryBackend).map(({ name }) => name)

    expect(rows.slice(rows.indexOf(cases[0] as string))).toEqual(cases)
  })
})
