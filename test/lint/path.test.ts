import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatPath } from '../../src/core/issue.ts'
import { parsePath } from '../../src/lint/path.ts'

it('reads a path as it was written, whatever its keys are', () => {
  const segment = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat(),
    fc.constantFrom('a.b', '[0]', '"', '\\', '__proto__', ''),
  )
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), (path) => {
      expect(parsePath(formatPath(path))).toEqual(path)
    }),
  )
})
