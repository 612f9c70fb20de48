/** Texts that a glob matches, the likeliest first. */
export function samplesOf(glob: string): string[] {
  const fillings = [
    ['x', 'x'],
    ['1', '1'],
    [' x', '0'],
    ['', 'x'],
  ] as const
  const samples = fillings.map(([run, one]) => glob.replaceAll('*', run).replaceAll('?', one))
  return [...new Set(samples)]
}
