import { describe, expect, it } from 'vitest'
import type { openPlugin, Row } from './open-plugin.ts'

type Plugin = ReturnType<typeof openPlugin>

/** What the set has to find in each row of tables, and that these tables leave no key of it out. */
export function describeRows(
  { set, alone }: Plugin,
  tables: { readonly [title: string]: readonly Row[] },
): void {
  describe.each(Object.entries(tables))('%s', (_, table) => {
    for (const [logKey, value, key, others = {}] of table) {
      it(`${logKey} ${value} is ${key}`, () => {
        const { markers } = alone.enrich({ ...others, [logKey]: value })

        expect(markers.filter((marker) => marker.logKey === logKey).map((marker) => marker.key)).toEqual([
          key,
        ])
      })
    }
  })

  it('goes through every key of every mapping', () => {
    const rows = Object.values(tables).flat()
    const tried = new Set(rows.map(([, , key]) => key))
    const keys = (set.mappings ?? []).flatMap(({ visualMarkers = {} }) => Object.keys(visualMarkers))

    expect(keys.filter((key) => !tried.has(key))).toEqual([])
  })
}

/** What the README says of the names in the set. */
export function describeNames({ set, read }: Plugin): void {
  it('says where each log key comes from, and names no other', () => {
    const section = read('README.md').split('## Where the names come from')[1]?.split('\n## ')[0] ?? ''
    const named = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    )
    const fields = set.fieldMappings ?? []
    const known = fields.flatMap(({ logKey, aliases = [] }) => [logKey, ...aliases])
    const asked = fields.flatMap(({ when = {} }) => Object.keys(when))

    expect({
      unexplained: known.filter((name) => !named.includes(name)),
      unknown: named.filter((name) => !known.includes(name) && !asked.includes(name)),
      twice: named.filter((name, index) => named.indexOf(name) !== index),
    }).toEqual({ unexplained: [], unknown: [], twice: [] })
  })
}

/** The record in the README, and the line below it. */
export function describeLine({ read, show }: Plugin): void {
  it('shows the line that its record has', () => {
    const [, record = '', line = ''] =
      /```json\n(.+)\n```[\s\S]*?```text\n(.+)\n/.exec(read('README.md')) ?? []
    const { msg, ...fields } = JSON.parse(record)

    expect(line).toContain(`: ${show({ msg, ...fields })} ${msg}`)
  })
}
