import { didYouMean } from '../core/nearest.ts'

/** What is asked for under other names, such as those of other libraries, by the option that is meant. */
const OTHER_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['retries', ['retry', 'maxAttempts']],
  ['attempts', ['maxAttempts', 'retry']],
  ['maxretries', ['maxAttempts', 'retry']],
  ['delay', ['deliverAt', 'baseDelayMs']],
  ['delayms', ['deliverAt', 'baseDelayMs']],
  ['backoff', ['retry', 'factor']],
  ['filename', ['database']],
  ['file', ['database']],
  ['path', ['database']],
  ['db', ['database']],
  ['handle', ['database']],
  ['service', ['source']],
  ['ttl', ['timeoutMs']],
])

/** What to say of an unknown option: `; did you mean "retry"?`, or which ones there are. */
export function helpWith(key: string, known: readonly string[]): string {
  const meant = OTHER_WORDS.get(key.toLowerCase())?.find((word) => known.includes(word))
  if (meant !== undefined) return `; did you mean ${JSON.stringify(meant)}?`
  return didYouMean(key, known) || `; known are ${known.join(', ')}`
}
