import { type Finding, type Subject, toFinding } from './finding.ts'
import type { Spot } from './rule.ts'
import type { KnownRule } from './rules.ts'

/** Of one rule. Nobody mends more at once, and what is checked may have been made to fill the memory. */
export const MAX_KEPT_FINDINGS = 5000

/** Keeps what rules find, and counts what there is beyond the limit of each. */
export interface FindingKeeper {
  keep(rule: KnownRule, subject: Subject, spots: Iterable<Spot>): void
  /** What was kept. Of a rule that found more, the last one says how many. */
  readonly findings: readonly Finding[]
}

export function createFindingKeeper(): FindingKeeper {
  const findings: Finding[] = []
  const counts = new Map<KnownRule, number>()
  const beyond = new Map<KnownRule, Beyond>()
  return {
    keep(rule, subject, spots) {
      for (const spot of spots) {
        const count = (counts.get(rule) ?? 0) + 1
        counts.set(rule, count)
        if (count <= MAX_KEPT_FINDINGS) findings.push(toFinding(rule, subject, spot))
        else {
          const left = beyond.get(rule)
          if (left) left.count++
          else beyond.set(rule, { subject, spot, count: 1 })
        }
      }
    },
    get findings() {
      return [...findings, ...[...beyond].map(([rule, left]) => tellBeyond(rule, left))]
    },
  }
}

interface Beyond {
  /** Where the first of those is that are left out. */
  readonly subject: Subject
  readonly spot: Spot
  count: number
}

function tellBeyond(rule: KnownRule, { subject, spot, count }: Beyond): Finding {
  const others = count === 1 ? '' : `; and ${count - 1} more findings of this code behind it`
  return toFinding(rule, subject, { ...spot, message: `${spot.message.slice(0, 1000)}${others}` })
}
