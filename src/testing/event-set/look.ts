import { markerText } from '../../core/lookup.ts'
import { toSafeText } from '../../pretty/safe-text.ts'
import { type ConformanceCase, expectNone, quote } from '../conformance-case.ts'
import type { Subject } from './subject.ts'

/** What a marker looks like in a terminal, as an emoji and as text. */
export function lookCases({ set }: Subject): ConformanceCase[] {
  const rows = (set.mappings ?? []).flatMap((mapping) =>
    Object.entries(mapping.visualMarkers ?? {}).map(([key, marker]) => ({ mapping, key, marker })),
  )
  return [
    {
      name: 'has markers that are one emoji, two columns wide in every terminal',
      run() {
        const problems = rows
          .filter(({ marker }) => !isWideEmoji(marker))
          .map(
            ({ mapping, key, marker }) =>
              `${quote(key)} of mapping ${quote(mapping.name)} has ${quote(marker)} (${codePointsOf(marker)}): ${adviceFor(marker)}.`,
          )
        expectNone(problems, `Terminals disagree on the width of some markers of set ${quote(set.name)}`)
      },
    },
    {
      name: 'has text forms that tell its markers apart',
      run() {
        const texts = rows.map((row) => ({ ...row, text: markerText(row.key.toLowerCase(), row.mapping) }))
        const unreadable = texts
          .filter(({ text }) => text.trim() === '' || toSafeText(text) !== text || /[\t\n]/.test(text))
          .map(
            ({ mapping, key }) =>
              `${quote(key)} of mapping ${quote(mapping.name)} cannot be read as text: use visible characters only.`,
          )
        const ambiguous = texts.flatMap((row, index) => {
          const same = texts
            .slice(0, index)
            .find(
              ({ mapping, text, marker }) =>
                mapping === row.mapping && text === row.text && marker !== row.marker,
            )
          if (same === undefined) return []
          return `${quote(same.key)} and ${quote(row.key)} of mapping ${quote(row.mapping.name)} have different markers, ${quote(same.marker)} and ${quote(row.marker)}, but both read [${toSafeText(row.text)}] as text: rename one of them, or the mapping, whose name stands for "default".`
        })
        expectNone([...unreadable, ...ambiguous], `Without emoji, set ${quote(set.name)} cannot be read`)
      },
    },
  ]
}

function isWideEmoji(marker: string): boolean {
  return (
    /^\p{Emoji_Presentation}$/u.test(marker) && !/\p{Regional_Indicator}|\p{Emoji_Modifier}/u.test(marker)
  )
}

function codePointsOf(text: string): string {
  return [...text]
    .slice(0, 8)
    .map((character) => `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`)
    .join(' ')
}

function adviceFor(marker: string): string {
  if (/\p{Emoji_Presentation}/u.test(marker))
    return 'one emoji is enough, without skin tone, flag or combination'
  if (/\p{Emoji}/u.test(marker) && !/^[\x20-\x7e]*$/.test(marker))
    return 'it is a sign that only some terminals show as an emoji; choose one that needs no variation selector'
  return 'choose an emoji; the text form is the key'
}
