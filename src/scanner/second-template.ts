/** How the times of a second are shown: a text of ASCII with a gap for the milliseconds. */
export interface SecondTemplate {
  readonly bytes: Buffer
  /** Where the three digits of the milliseconds are, counted from the end (so below 0); 0 for nowhere. */
  readonly millisecondsAt: number
}

/**
 * From here on, February 1972, clocks differ from UTC by whole minutes and change at whole minutes, so that all of a
 * minute has one offset. Liberia was the last to give up its half of a minute, in January.
 */
const WHOLE_MINUTES_FROM = 65_750_400

// Digits that no other part of a time is likely to have; where one has them nevertheless, a look at more times decides.
const SAMPLE_MILLISECONDS = 853
const SAMPLE_SECONDS = [11, 58] as const

interface MinuteTemplate extends SecondTemplate {
  readonly minute: number
  /** Where the two digits of the second are, counted from the start; -1 for nowhere. */
  readonly secondsAt: number
}

/**
 * Formatting a time takes a microsecond, and a log has thousands of times a minute that differ in a few digits. So
 * a minute is formatted once or twice, and the digits are put in.
 *
 * Gives the template for a second (since 1970), or `undefined` when the format is more than digits in a text. Which
 * of the two it is, is found out by trying all seconds of the first minute.
 */
export function createSecondTemplates(
  format: (time: number) => string | undefined,
): (second: number) => SecondTemplate | undefined {
  let isTemplate: boolean | undefined
  let cached: MinuteTemplate | undefined

  const compileMinute = (minute: number): MinuteTemplate | undefined => {
    const at = (second: number, milliseconds: number) => format((minute * 60 + second) * 1000 + milliseconds)
    const [one, other] = SAMPLE_SECONDS.map((second) => at(second, SAMPLE_MILLISECONDS))
    if (one === undefined || other === undefined || one.endsWith(':') || /[^\x20-\x7e]/.test(one))
      return undefined
    const digits = String(SAMPLE_MILLISECONDS)
    const millisecondsAt = one.indexOf(digits)
    if (millisecondsAt !== one.lastIndexOf(digits)) return undefined
    const secondsAt = [...one].findIndex((character, index) => character !== other[index])
    // A time that is not told in minutes and seconds, as a plain number, has other digits in the next minute.
    if (secondsAt !== -1 && replaceSecond(one, secondsAt, SAMPLE_SECONDS[0]) !== one) return undefined
    if (secondsAt !== -1 && replaceSecond(one, secondsAt, SAMPLE_SECONDS[1]) !== other) return undefined
    return {
      minute,
      bytes: Buffer.from(one),
      millisecondsAt: millisecondsAt === -1 ? 0 : millisecondsAt - one.length,
      secondsAt,
    }
  }
  const isRight = (template: MinuteTemplate): boolean => {
    const { minute, bytes, millisecondsAt } = template
    for (let second = 0; second < 60; second++) {
      putSecond(template, second)
      for (const milliseconds of [0, 7 + second, 286 + second, 999]) {
        const digits = String(milliseconds).padStart(3, '0')
        if (millisecondsAt < 0) bytes.write(digits, bytes.length + millisecondsAt)
        if (format((minute * 60 + second) * 1000 + milliseconds) !== bytes.toString()) return false
      }
    }
    return true
  }

  return (second) => {
    if (isTemplate === false || second < WHOLE_MINUTES_FROM) return undefined
    const minute = Math.floor(second / 60)
    if (cached?.minute !== minute) {
      cached = compileMinute(minute)
      if (cached === undefined) return undefined
      isTemplate ??= isRight(cached)
      if (!isTemplate) return undefined
    }
    putSecond(cached, second % 60)
    return cached
  }
}

function putSecond({ bytes, secondsAt }: MinuteTemplate, second: number): void {
  if (secondsAt === -1) return
  bytes[secondsAt] = 48 + Math.floor(second / 10)
  bytes[secondsAt + 1] = 48 + (second % 10)
}

function replaceSecond(text: string, at: number, second: number): string {
  return `${text.slice(0, at)}${second}${text.slice(at + 2)}`
}
