import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

// Editors show the comments of the types, schema.json has the descriptions: one text, twice, kept the same here.
it('every property of an event set has its description as its comment', () => {
  const source = readFileSync(new URL('../../src/core/event-set.ts', import.meta.url), 'utf8')
  const schema = JSON.parse(readFileSync(new URL('../../schema.json', import.meta.url), 'utf8'))
  const { mappings, fieldMappings, ...ofSet } = schema.properties
  const described = [
    ofSet,
    { mappings, fieldMappings },
    mappings.items.properties,
    fieldMappings.items.properties,
  ]
    .flatMap((properties) => Object.values<{ description?: string }>(properties))
    .flatMap(({ description }) => description ?? [])

  expect(described.length).toBeGreaterThan(15)
  expect(described.filter((description) => !source.includes(`/** ${description} */`))).toEqual([])
})
