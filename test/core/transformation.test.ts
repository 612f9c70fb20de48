import { describe, expect, it } from 'vitest'
import {
  type TransformationName,
  transformationNames,
  transformations,
} from '../../src/core/transformation.ts'
import { createEnricher, EventSetRegistry } from '../../src/index.ts'
import { markersOf, oneField } from './marks.ts'

const cases: {
  readonly [name in TransformationName]?: readonly (readonly [value: unknown, result: unknown])[]
} = {
  trim: [
    ['  a b\n', 'a b'],
    ['', ''],
    [5, 5],
  ],
  lower: [
    ['ABC', 'abc'],
    [true, true],
  ],
  upper: [
    ['abc', 'ABC'],
    [5, 5],
  ],
  firstWord: [
    ['SELECT * FROM users', 'SELECT'],
    ['  insert into', 'insert'],
    ['VALUES(1,2)', 'VALUES'],
    ['BEGIN;', 'BEGIN'],
    ['a,b', 'a'],
    ['', ''],
    ['  ', '  '],
    ['(a)', '(a)'],
    [7, 7],
  ],
  firstSegment: [
    ['authn_login_fail:joe', 'authn_login_fail'],
    ['user.created', 'user'],
    ['a/b.c', 'a'],
    ['plain', 'plain'],
    ['.hidden', '.hidden'],
    ['', ''],
    [1.5, 1.5],
  ],
  lastSegment: [
    ['user.created', 'created'],
    ['a/b.c:d', 'd'],
    ['plain', 'plain'],
    ['ends.', 'ends.'],
    ['', ''],
    [1.5, 1.5],
  ],
  errorCode: [
    ['fetch failed: connect ECONNREFUSED 127.0.0.1:80', 'ECONNREFUSED'],
    ['[ERR_INVALID_URL]: no', 'ERR_INVALID_URL'],
    ['UND_ERR_SOCKET', 'UND_ERR_SOCKET'],
    ['two: ENOENT, EACCES', 'ENOENT'],
    ['no code here', 'no code here'],
    ['', ''],
    [5, 5],
  ],
  statusClass: [
    [404, '4xx'],
    ['503', '5xx'],
    [100, '1xx'],
    [599, '5xx'],
    [99, 99],
    [600, 600],
    ['', ''],
    ['ok', 'ok'],
    ['0xC8', '0xC8'],
    [true, true],
    [Number.NaN, Number.NaN],
  ],
  secondsToMs: [
    [0.25, 250],
    ['1.5', 1500],
    [0, 0],
    ['', ''],
    ['  ', '  '],
    ['1s', '1s'],
    [true, true],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ],
}

describe.each(Object.entries(cases))('%s', (name, pairs) => {
  it.each(pairs)('makes of %o %o', (value, result) => {
    expect(transformations[name as TransformationName](value)).toEqual(result)
  })

  it('leaves what is neither text nor number as it is', () => {
    const odd = [undefined, null, {}, [], true]

    expect(odd.map((value) => transformations[name as TransformationName](value))).toEqual(odd)
  })
})

describe('the named transformations', () => {
  it.each(transformationNames)('can be named in a set: %s', (name) => {
    const set = oneField({ transformations: { '*': name }, visualMarkers: { default: '✅' } })

    expect(markersOf({ status: 'x' }, set)).toEqual(['✅'])
  })

  it.each(transformationNames)('take texts of megabytes and odd texts without delay: %s', (name) => {
    const start = performance.now()
    for (const unit of ['a', ' ', '.', '1', 'E', '_', '💥']) transformations[name](unit.repeat(1_000_000))

    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe('errorCode', () => {
  it.each([
    ['fetch failed: connect ECONNREFUSED 127.0.0.1:80', 'ECONNREFUSED'],
    ['getaddrinfo EAI_AGAIN example.invalid', 'EAI_AGAIN'],
    ['EIO: i/o error, read', 'EIO'],
    ['spawn E2BIG', 'E2BIG'],
    ['ERROR: connect ETIMEDOUT', 'ETIMEDOUT'],
    ['no headers (UND_ERR_HEADERS_TIMEOUT)', 'UND_ERR_HEADERS_TIMEOUT'],
    ['nothing of the kind', 'nothing of the kind'],
  ])('finds in %j the code %j', (text, code) => {
    expect(transformations.errorCode(text)).toBe(code)
  })
})

describe('a transformation that is asynchronous', () => {
  it('counts as one that throws, and its rejection harms nobody', async () => {
    const registry = new EventSetRegistry()
    registry.registerEventSet({
      name: 'slow',
      mappings: [
        {
          name: 'word',
          visualMarkers: { a: '🅰' },
          transformations: { '*': () => Promise.reject(new Error('unheard')) },
        },
      ],
      fieldMappings: [{ logKey: 'word', mapping: 'word' }],
    })
    const told: unknown[] = []
    const enricher = createEnricher(registry, { onTransformationError: (error) => told.push(error) })

    const { markers } = enricher.enrich({ word: 'a' })
    await new Promise((resolve) => setImmediate(resolve))

    expect(markers.map(({ marker }) => marker)).toEqual(['🅰'])
    expect(String(told[0])).toContain('it has returned a promise')
  })
})
