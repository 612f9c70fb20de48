import type { EventMapping } from '../../core/event-set.ts'
import { paymentSet, setExample } from '../example.ts'
import { quote, quoteAll } from '../quote.ts'
import { type SetSubject, type Spot, setRule } from '../rule.ts'
import { findUnsafe } from '../unsafe-text.ts'

function markerSet(visualMarkers: object): object {
  return paymentSet({ mappings: [{ name: 'status', visualMarkers }] })
}

export const unsafeMarker = setRule({
  code: 'unsafe-marker',
  level: 'error',
  title: 'a marker is invisible or has control characters',
  why: 'Whatever could act on a terminal, change the direction of writing or hide text is taken out before a line is shown, so nobody sees this marker as it is written.',
  bad: setExample(markerSet({ paid: '\u200b✅', refunded: '💱' })),
  good: setExample(markerSet({ paid: '✅', refunded: '💱' })),
  check: (subject) =>
    spotMarkers(subject, (marker) => {
      // What sequences of emoji are joined with is another finding.
      const rest = marker.replace(JOINERS, '')
      const unsafe = findUnsafe(rest)
      if (unsafe === undefined && rest.trim() !== '') return undefined
      return {
        message: unsafe === undefined ? 'shows nothing' : `has ${unsafe}, which is never shown`,
        hint: 'Use one emoji that is a single code point, such as ✅.',
      }
    }),
})

export const markerWidth = setRule({
  code: 'marker-width',
  level: 'warn',
  title: 'terminals disagree on the width of a marker',
  why: 'Columns line up only where every terminal gives a marker the same room. All of them do for a single code point that is an emoji by default (`Emoji_Presentation`), and few do for signs that a selector turns into one (⚠️, ▶️), keycaps, flags, skin tones and emoji joined of several.',
  bad: setExample(markerSet({ paid: '✔️', refunded: '💱' })),
  good: setExample(markerSet({ paid: '✅', refunded: '💱' })),
  check: (subject) =>
    spotMarkers(subject, (marker) => {
      if (isSafe(marker) || !isPictorial(marker) || findUnsafe(marker.replace(JOINERS, ''))) return undefined
      return {
        message: `is ${nameKind(marker)}, and terminals disagree on its width`,
        hint: 'Use one emoji that is a single code point and an emoji by default, such as ✅.',
      }
    }),
})

export const textMarker = setRule({
  code: 'text-marker',
  level: 'info',
  title: 'a marker is text',
  why: 'It works everywhere, but reads like a part of the message, and looks the same with `--ascii`, which shows the key of a value.',
  bad: setExample(markerSet({ paid: 'PAID', refunded: '💱' })),
  good: setExample(markerSet({ paid: '💰', refunded: '💱' })),
  check: (subject) =>
    spotMarkers(subject, (marker) => {
      const isUnsafe = findUnsafe(marker) !== undefined || marker.trim() === ''
      if (isSafe(marker) || isPictorial(marker) || isUnsafe) return undefined
      return { message: 'is text', hint: 'An emoji stands out from the message behind it.' }
    }),
})

export const duplicateMarker = setRule({
  code: 'duplicate-marker',
  level: 'info',
  title: 'one marker stands for different things in two mappings',
  why: 'Whoever reads a line sees the marker, not the field it came from. Values of the same name count as one meaning, and so do several values of one mapping: `paid` and `settled` may well share a marker.',
  bad: setExample(
    paymentSet({
      mappings: [
        { name: 'status', visualMarkers: { paid: '💰', open: '⏳' } },
        { name: 'method', visualMarkers: { cash: '💰', card: '💳' } },
      ],
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.method', mapping: 'method' },
      ],
    }),
  ),
  good: setExample(
    paymentSet({
      mappings: [
        { name: 'status', visualMarkers: { paid: '💰', open: '⏳' } },
        { name: 'method', visualMarkers: { cash: '💵', card: '💳' } },
      ],
      fieldMappings: [
        { logKey: 'payment.status', mapping: 'status' },
        { logKey: 'payment.method', mapping: 'method' },
      ],
    }),
  ),
  *check({ set: { mappings = [] } }) {
    for (const [marker, uses] of collectUses(mappings)) {
      const [first, ...others] = uses
      const other = others.find((use) => first !== undefined && !mayBeOne(first, use))
      if (first === undefined || other === undefined) continue
      yield {
        path: ['mappings', other.index, 'visualMarkers', other.spelling],
        message: `${quote(marker)} is ${quoteAll(other.keys)} in the mapping ${quote(other.mapping)}, and ${quoteAll(first.keys)} in ${quote(first.mapping)}`,
        hint: 'Give one of them another marker, unless they mean the same.',
      }
    }
  },
})

export const ambiguousMarker = setRule({
  code: 'ambiguous-marker',
  level: 'warn',
  title: 'a marker stands for opposites',
  why: 'It stands for a success and for a failure by their names, or the metadata says true for one value and false for another. Whoever reads the line cannot tell which it is.',
  bad: setExample(markerSet({ paid: '💰', declined: '💳', accepted: '💳' })),
  good: setExample(markerSet({ paid: '💰', declined: '❌', accepted: '💳' })),
  *check({ set: { mappings = [] } }) {
    // What was said of a marker first: by which key, and where.
    const said = new Map<string, { readonly key: string; readonly value: boolean }>()
    for (const [index, { visualMarkers = {}, metadataFields = {} }] of mappings.entries()) {
      const fieldsOf = new Map(
        Object.entries(metadataFields).map(([key, fields]) => [key.toLowerCase(), fields]),
      )
      for (const [key, marker] of Object.entries(visualMarkers)) {
        const statements = [
          ...Object.entries(fieldsOf.get(key.toLowerCase()) ?? {}).map(([field, value]) => ({
            about: JSON.stringify([marker, field]),
            value,
            words: [`${quote(field)} is true`, `${quote(field)} is false`],
          })),
          { about: marker, value: readOutcome(key), words: ['a success', 'a failure'] },
        ]
        for (const { about, value, words } of statements) {
          if (typeof value !== 'boolean') continue
          const first = said.get(about)
          if (first === undefined) said.set(about, { key, value })
          if (first === undefined || first.value === value) continue
          const [positive, negative] = words
          yield {
            path: ['mappings', index, 'visualMarkers', key],
            message: `${quote(marker)} stands for ${quote(first.key)} and ${quote(key)}: ${first.value ? positive : negative} and ${value ? positive : negative}`,
            hint: 'Give one of them another marker.',
          }
        }
      }
    }
  },
})

/** Whether a key tells of a success or of a failure, if it tells of either. */
function readOutcome(key: string): boolean | undefined {
  const words = key.toLowerCase().split(/[^a-z]+/)
  const isSuccess = words.some((word) => SUCCESS.has(word))
  const isFailure = words.some((word) => FAILURE.has(word))
  const isNegated = words.some((word) => word === 'not' || word === 'no' || word === 'non')
  return isSuccess === isFailure || isNegated ? undefined : isSuccess
}

const SUCCESS: ReadonlySet<string> = new Set(
  'success succeeded successful ok passed accepted allowed granted approved valid healthy paid'.split(' '),
)
const FAILURE: ReadonlySet<string> = new Set(
  'fail failed failure error errored denied rejected refused forbidden declined invalid unhealthy crashed'.split(
    ' ',
  ),
)

/** Where and for what a mapping uses a marker. */
interface MarkerUse {
  readonly index: number
  readonly mapping: string
  /** The first of its keys as it is spelt. */
  readonly spelling: string
  readonly keys: string[]
}

/** Whether two uses of a marker may well have one meaning. Of codes, defaults and families of values nobody can tell. */
function mayBeOne(one: MarkerUse, other: MarkerUse): boolean {
  const keys = [...one.keys, ...other.keys]
  if (keys.length > 2 || keys.some((key) => key === 'default' || /\d/.test(key))) return true
  const [first = '', second = ''] = keys.map((key) => key.replace(/[^\p{L}]/gu, ''))
  return first.includes(second.slice(0, SAME_STEM)) || second.includes(first.slice(0, SAME_STEM))
}

/** Words that share so many letters are of one stem: `timeout` and `timed out`, `delete` and `deletion`. */
const SAME_STEM = 4

function collectUses(mappings: readonly EventMapping[]): ReadonlyMap<string, readonly MarkerUse[]> {
  const uses = new Map<string, MarkerUse[]>()
  for (const [index, { name, visualMarkers = {} }] of mappings.entries()) {
    for (const [key, marker] of Object.entries(visualMarkers)) {
      const ofMarker = uses.get(marker) ?? []
      uses.set(marker, ofMarker)
      const last = ofMarker.at(-1)
      if (last?.index === index) last.keys.push(key.toLowerCase())
      else ofMarker.push({ index, mapping: name, spelling: key, keys: [key.toLowerCase()] })
    }
  }
  return uses
}

function* spotMarkers(
  { set: { mappings = [] } }: SetSubject,
  judge: (marker: string) => { readonly message: string; readonly hint: string } | undefined,
): Generator<Spot> {
  for (const [index, { name, visualMarkers = {} }] of mappings.entries()) {
    for (const [key, marker] of Object.entries(visualMarkers)) {
      const found = judge(marker)
      if (found === undefined) continue
      const path = ['mappings', index, 'visualMarkers', key]
      const message = `the marker ${quote(marker)} of ${quote(key)} in the mapping ${quote(name)} ${found.message}`
      yield { path, message, hint: found.hint }
    }
  }
}

/** One code point that every terminal shows as an emoji, two columns wide. */
function isSafe(marker: string): boolean {
  return /^(?!\p{Regional_Indicator}|\p{Emoji_Modifier})\p{Emoji_Presentation}$/u.test(marker)
}

/** Whether any part of it is a picture: emoji, and signs that can be turned into one. */
function isPictorial(marker: string): boolean {
  return /\p{Emoji_Presentation}|\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|[\ufe0f\u20e3]/u.test(
    marker,
  )
}

function nameKind(marker: string): string {
  if (/\p{Regional_Indicator}/u.test(marker)) return 'a flag'
  if (/\p{Emoji_Modifier}/u.test(marker)) return 'an emoji with a skin tone'
  if (/\u20e3/.test(marker)) return 'a keycap'
  if (/\u200d/.test(marker)) return 'joined of several emoji'
  if (/\ufe0f/.test(marker)) return 'a sign that a selector turns into an emoji'
  if ([...marker].length > 1) return 'more than one emoji'
  return 'a sign that is an emoji in some fonts only'
}

/** Zero-width joiner, the selector for emoji, and the tags of flags. */
const JOINERS = /[\u200d\ufe0f\u{e0020}-\u{e007f}]/gu
