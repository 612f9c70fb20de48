import { lintEventSet } from '../../lint/lint-set.ts'
import { type ConformanceCase, expectNone, quote } from '../conformance-case.ts'
import { isBuiltIn, type Subject } from './subject.ts'

/** What `eventsets lint` would say about the set, but for advice. */
export function lintCase({ set, others }: Subject): ConformanceCase {
  return {
    name: 'has no errors and warnings of eventsets lint',
    run() {
      const beside = others.map((other) => ({
        set: other,
        source: { kind: isBuiltIn(other) ? ('built-in' as const) : ('code' as const) },
      }))
      const problems = lintEventSet(set, { beside })
        .filter(({ level }) => level !== 'info')
        .map(({ code, path, message, hint }) => {
          const place = path === '' ? '' : `${path}: `
          return `${place}${message} (${code})${hint === undefined ? '' : `. ${hint}`}`
        })
      expectNone(problems, `Lint has found something in set ${quote(set.name)}`)
    },
  }
}
