import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { compileTime } from '../../src/pretty/time-text.ts'
import { createSecondTemplates } from '../../src/scanner/second-template.ts'

const given = process.env.TZ
afterEach(() => {
  if (given === undefined) delete process.env.TZ
  else process.env.TZ = given
})

/** The text of a time by its template, as the scanner puts it together. */
function fill(templateFor: ReturnType<typeof createSecondTemplates>, time: number): string | undefined {
  const template = templateFor(Math.floor(time / 1000))
  if (!template) return undefined
  const bytes = Buffer.from(template.bytes)
  const { millisecondsAt } = template
  if (millisecondsAt < 0) bytes.write(String(time % 1000).padStart(3, '0'), bytes.length + millisecondsAt)
  return bytes.toString()
}

const formatOf = (translateTime: string | boolean) => {
  const format = compileTime(translateTime)
  return (time: number) => `[${format(time)}]`
}

const MINUTE = 60_000
const seconds = (text: string) => Date.parse(text)

/** Zones, and moments at which something happens to their clocks. */
const ZONES: Record<string, number[]> = {
  UTC: [seconds('2024-02-29T23:59:00Z'), seconds('2023-12-31T23:59:00Z')],
  'Europe/Berlin': [seconds('2024-03-31T01:00:00Z'), seconds('2024-10-27T01:00:00Z')],
  'America/New_York': [seconds('2024-03-10T07:00:00Z'), seconds('2024-11-03T06:00:00Z')],
  'Asia/Kolkata': [seconds('2024-01-01T18:30:00Z')],
  'Asia/Kathmandu': [seconds('1985-12-31T18:30:00Z')],
  'Australia/Lord_Howe': [seconds('2024-04-06T15:00:00Z'), seconds('2024-10-05T15:30:00Z')],
  'America/St_Johns': [seconds('2006-10-29T02:31:00Z'), seconds('1988-04-03T03:31:00Z')],
  'Pacific/Apia': [seconds('2011-12-30T10:00:00Z')],
  // Its clocks differed by 44 minutes and a half.
  'Africa/Monrovia': [seconds('1972-01-07T00:44:30Z'), seconds('1972-01-03T12:00:00Z')],
}

describe.each(Object.keys(ZONES))('in %s', (zone) => {
  test.each([
    true,
    'SYS:standard',
    'SYS:yyyy-mm-dd HH:MM:ss.l o',
    'UTC:h:MM:ss TT Z',
    'SYS:ddd d mmm HH:MM',
    'SYS:isoDateTime',
  ])('it fills in what formatting gives, with %s', (mask) => {
    process.env.TZ = zone
    const format = formatOf(mask)
    const templateFor = createSecondTemplates(format)
    const around = fc
      .tuple(
        fc.constantFrom(...(ZONES[zone] as number[])),
        fc.integer({ min: -200 * MINUTE, max: 200 * MINUTE }),
      )
      .map(([moment, distance]) => moment + distance)
    const time = fc.oneof(around, fc.integer({ min: 0, max: 4_102_444_800_000 }))

    fc.assert(
      fc.property(time, (ms) => {
        const filled = fill(templateFor, ms)

        expect(filled ?? format(ms)).toBe(format(ms))
      }),
      { numRuns: 150 },
    )
  })
})

test('it is tried in other time zones than the one at hand', () => {
  process.env.TZ = 'Asia/Kolkata'
  expect(new Date(0).getTimezoneOffset()).toBe(-330)
})

test('it has templates for the usual formats, from February 1972 on', () => {
  process.env.TZ = 'Europe/Berlin'
  for (const mask of [true, 'SYS:standard', 'HH:MM', 'UTC:yyyy-mm-dd HH:MM:ss.l o', 'SYS:isoDateTime']) {
    const templateFor = createSecondTemplates(formatOf(mask))

    expect(fill(templateFor, 1_767_600_000_123)).toBe(formatOf(mask)(1_767_600_000_123))
    expect(templateFor(65_750_400)).toBeDefined()
    expect(templateFor(65_750_399)).toBeUndefined()
  }
})

test.each(['L', 'lL', 's', 'ss ss', "'853'l", "HH:MM:ss'ü'", "ss':'"])(
  'it has none for %s, which is more than digits in a text, or could be taken for it',
  (mask) => {
    const templateFor = createSecondTemplates(
      mask === "ss':'" ? (time) => `${new Date(time).getUTCSeconds()}:` : formatOf(`UTC:${mask}`),
    )
    expect(templateFor(1_767_600_000)).toBeUndefined()
  },
)

test('it fills in plain numbers only where their digits stand in the right place', () => {
  const format = formatOf(false)
  // In the first of these minutes the last two digits of the second are those of the minute.
  for (const first of [1_767_600_000, 1_767_600_060, 1_767_600_300]) {
    const templateFor = createSecondTemplates(format)
    for (let second = first; second < first + 7300; second += 7) {
      const ms = second * 1000 + (second % 1000)
      expect(fill(templateFor, ms) ?? format(ms)).toBe(format(ms))
    }
  }
})

test('it has none where nothing is said of a time', () => {
  expect(createSecondTemplates(() => undefined)(1_767_600_000)).toBeUndefined()
})
