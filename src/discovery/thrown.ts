/** What a stranger's code has thrown, which may be anything. */
export function describeThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error) || 'an error without a message was thrown'
  } catch {
    return 'something was thrown that has no text'
  }
}
