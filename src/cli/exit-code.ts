/** What the command's exit code tells. */
export const ExitCode = {
  OK: 0,
  /** The command ran, and found something that should be looked at. */
  FINDINGS: 1,
  /** Wrong use, wrong configuration, or a file that cannot be read or written. */
  FAILURE: 2,
  /** SIGINT ended it. */
  INTERRUPTED: 130,
  /** SIGTERM ended it. */
  TERMINATED: 143,
} as const
