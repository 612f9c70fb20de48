import { EventsetsError } from '../core/errors.ts'

/**
 * Paths are read from the working directory, and it may have been removed or be out of reach.
 *
 * @throws EventsetsError when there is none.
 */
export function requireWorkingDirectory(): void {
  try {
    process.cwd()
  } catch (cause) {
    throw new EventsetsError('the working directory is not there any more, or is out of reach.', {
      code: 'EVENTSETS_INPUT',
      hint: 'Go to another folder and try again.',
      cause,
    })
  }
}
