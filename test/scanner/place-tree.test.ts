import { expect, test } from 'vitest'
import { compileSets } from '../../src/core/compile.ts'
import type { EventSet, FieldMapping } from '../../src/core/event-set.ts'
import {
  buildPlaceTree,
  hasValue,
  type Place,
  type PlaceTreeOptions,
  Role,
} from '../../src/scanner/place-tree.ts'
import { registryOf } from './differential.ts'

function treeOf(fieldMappings: readonly Partial<FieldMapping>[], options: Partial<PlaceTreeOptions> = {}) {
  const set: EventSet = {
    name: 'test',
    mappings: [{ name: 'any', visualMarkers: { default: '🦄' } }],
    fieldMappings: fieldMappings.map((field) => ({ logKey: 'a', mapping: 'any', ...field })),
  }
  return buildPlaceTree(
    compileSets(registryOf([set], false), () => {}),
    {
      messageKey: 'msg',
      errorKey: 'err',
      roles: new Map(),
      slowKeys: [],
      metadataNames: [],
      ...options,
    },
  )
}

/** The place behind these keys, one below the other. */
function at(tree: ReturnType<typeof treeOf>, ...keys: string[]): Place | undefined {
  return keys.reduce<Place | undefined>((place, key) => place?.children.get(key), tree?.root)
}

test('it has one place for all the ways in which a log key is written', () => {
  const tree = treeOf([{ logKey: 'a.b.c' }])

  expect(at(tree, 'a', 'b', 'c')).toBeDefined()
  for (const way of [['a.b.c'], ['a', 'b.c'], ['a.b', 'c']])
    expect(at(tree, ...way)).toBe(at(tree, 'a', 'b', 'c'))
})

test('it numbers places in the order in which they are listed', () => {
  const tree = treeOf([{ logKey: 'a.b' }, { logKey: 'c' }], { metadataNames: ['d.e'] })

  expect(tree?.places.map(({ id }) => id)).toEqual([...(tree?.places.keys() ?? [])])
})

test('it knows of values that matter to a field, to a condition, or to nobody', () => {
  const tree = treeOf([{ logKey: 'a.b', when: { c: 'x*' } }])

  expect(['a', 'a.b', 'c'].map((key) => hasValue(at(tree, key) as Place))).toEqual([false, true, true])
})

test('it gives the message its place, whatever a logger calls it', () => {
  const tree = treeOf([{ logKey: 'msg' }], { messageKey: 'message' })

  expect(tree?.message).toBe(at(tree, 'message'))
  expect(tree?.message.role).toBe(Role.MESSAGE)
  expect(tree?.message.node?.logKey).toBe('msg')
  expect(at(tree, 'msg')?.isSlow).toBe(true)
})

test('it finds an error under the key of the logger, with all below it', () => {
  const tree = treeOf([{ logKey: 'err.code' }], { errorKey: 'reason' })

  expect(at(tree, 'reason', 'code')).toBe(at(tree, 'err', 'code'))
  expect(at(tree, 'reason.code')).toBe(at(tree, 'err', 'code'))
})

test('it takes a key that means two places the long way', () => {
  const tree = treeOf([{ logKey: 'err.code' }, { logKey: 'reason' }], { errorKey: 'reason' })

  expect(at(tree, 'reason')?.isSlow).toBe(true)
})

test('it marks every way to a field that would be added, and the whole of it only', () => {
  const tree = treeOf([], { metadataNames: ['a.b.c'] })

  for (const way of [['a.b.c'], ['a', 'b.c'], ['a.b', 'c'], ['a', 'b', 'c']])
    expect(at(tree, ...way)?.isPresence).toBe(true)
  expect(at(tree, 'a')?.isPresence).toBe(false)
})

test.each<[string, Partial<FieldMapping>[], Partial<PlaceTreeOptions>]>([
  [
    'the message is a field of a set under its own key',
    [{ logKey: 'msg' }, { logKey: 'text' }],
    { messageKey: 'text' },
  ],
  [
    'a member with a role of its own lies on a path',
    [{ logKey: 'a.b' }],
    { roles: new Map([['a.b', Role.CARRIED]]) },
  ],
  [
    'a member with a role of its own is a path to metadata',
    [],
    { metadataNames: ['a.b.c'], roles: new Map([['a.b', Role.CARRIED]]) },
  ],
  [
    'a member with a role of its own is an error under another key',
    [{ logKey: 'err.code' }],
    { errorKey: 'error', roles: new Map([['err', Role.ERROR]]) },
  ],
  ['a member has two roles', [], { roles: new Map([['msg', Role.LEVEL]]) }],
  [
    'metadata is looked for below an error with two keys',
    [{ logKey: 'err.code' }],
    { errorKey: 'error', metadataNames: ['error.kind'] },
  ],
  ['metadata has a name of very many segments', [], { metadataNames: [Array(17).fill('a').join('.')] }],
])('it gives up where %s', (_, fields, options) => {
  expect(treeOf(fields, options)).toBeUndefined()
})
