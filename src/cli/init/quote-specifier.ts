/**
 * What an import names, for the text of a file that is made. Whoever searches our own code for what it imports should
 * not come upon these.
 */
export function quoteSpecifier(specifier: string): string {
  return `'${specifier}'`
}
