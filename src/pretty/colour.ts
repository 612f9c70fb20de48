export interface ColourSituation {
  /** What the user asked for, by `--color`, `--no-color` or the option `colorize`. */
  readonly asked?: boolean | undefined
  readonly isTerminal: boolean
  readonly env: { readonly [name: string]: string | undefined }
}

/**
 * Whether to use colour. The first that says something decides: the user's choice, `FORCE_COLOR` (`0` and `false`
 * are no), `NO_COLOR` (any text), `TERM=dumb`, whether it is a terminal.
 *
 * Decided here, once, since the libraries disagree: some take `FORCE_COLOR=0` for yes, some colour a pipe in CI.
 */
export function decideColour({ asked, isTerminal, env }: ColourSituation): boolean {
  if (asked !== undefined) return asked
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.TERM === 'dumb') return false
  return isTerminal
}
