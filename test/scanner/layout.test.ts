import { expect, test } from 'vitest'
import { compileSets } from '../../src/core/compile.ts'
import { traitsOf } from '../../src/scanner/classes.ts'
import { planLayout } from '../../src/scanner/layout.ts'
import { CHUNK_BYTES, LONGEST_LINE_BYTES } from '../../src/scanner/limits.ts'
import { buildPlaceTree } from '../../src/scanner/place-tree.ts'
import { chunkOf, expectSame, registryOf } from './differential.ts'

function layoutOf(registry = registryOf()) {
  const tree = buildPlaceTree(
    compileSets(registry, () => {}),
    {
      messageKey: 'msg',
      errorKey: 'err',
      roles: new Map(),
      slowKeys: [],
      metadataNames: [],
    },
  )
  if (!tree) throw new Error('no tree')
  return planLayout(tree, tree.places.map(traitsOf))
}

test('it has room for a chunk behind a line that is not whole yet, and for what is read beyond both', () => {
  const { input, inputEnd, bytes } = layoutOf()

  expect(inputEnd - input).toBe(CHUNK_BYTES + LONGEST_LINE_BYTES)
  expect(bytes - inputEnd).toBeGreaterThanOrEqual(64)
})

test('it puts all parts on addresses at which words and numbers can stand', () => {
  const { bytes: _, keySlots, outputEnd, inputEnd, ...parts } = layoutOf()

  expect(keySlots & (keySlots - 1)).toBe(0)
  expect(Object.entries(parts).filter(([, address]) => address % 16 !== 0)).toEqual([])
  // No two of them begin at one place.
  expect(new Set(Object.values(parts)).size).toBe(Object.keys(parts).length)
  expect(outputEnd).toBeLessThanOrEqual(parts.input)
  expect(inputEnd).toBeGreaterThan(outputEnd)
})

test('it grows with the sets, and finds every one of their keys', () => {
  const many = [...Array(60).keys()].map((set) => ({
    name: `set${set}`,
    mappings: [
      { name: 'any', visualMarkers: { ok: '🦄' }, ranges: { ok: [set, set + 100] as [number, number] } },
    ],
    fieldMappings: [...Array(40).keys()].map((field) => ({
      logKey: `set${set}.group.field${field}`,
      mapping: 'any',
    })),
  }))
  const registry = () => registryOf(many)

  expect(layoutOf(registry()).bytes).toBeGreaterThan(layoutOf().bytes)

  const lines = many.flatMap(({ fieldMappings }, set) =>
    fieldMappings.flatMap(({ logKey }) => [
      `{"${logKey}":"ok"}`,
      `{"set${set}":{"group":{"${logKey.split('.')[2]}":${set}}}}`,
    ]),
  )
  const text = expectSame({ options: { output: 'json' }, registry, steps: [chunkOf(lines)] })
  expect(text.match(/🦄/gu)).toHaveLength(lines.length)
})

test('it copes with more keys than a function call can take', () => {
  // A hundred and twenty shortcuts for each log key of sixteen segments.
  const segments = 'abcdefghijklmnop'.split('')
  const big = {
    name: 'big',
    mappings: [{ name: 'any', visualMarkers: { ok: '🦄' } }],
    fieldMappings: [...Array(1200).keys()].map((index) => ({
      logKey: [`k${index}`, ...segments.slice(1)].join('.'),
      mapping: 'any',
    })),
  }
  const registry = () => registryOf([big], false)
  const lines = [
    `{"k7.b.c":{"d.e.f.g.h.i.j.k.l.m.n.o":{"p":"ok"}}}`,
    `{"${big.fieldMappings[1199]?.logKey}":"ok"}`,
  ]

  const text = expectSame({ options: { output: 'json' }, registry, steps: [chunkOf(lines)] })
  expect(text.match(/🦄/gu)).toHaveLength(2)
})
