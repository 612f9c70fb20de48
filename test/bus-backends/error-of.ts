/** What a promise is rejected with that is to be rejected. */
export async function errorOf(
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly hint?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('It was to fail, and has not.')
}
