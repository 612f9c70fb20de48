/**
 * Writes the part of a page that stands between `<!-- generated: name -->` and `<!-- /generated -->`. Gives undefined when
 * the page has no such lines.
 */
export function fillPart(text, name, part) {
  const begin = `<!-- generated: ${name} -->\n`
  const start = text.indexOf(begin) + begin.length
  const end = text.indexOf('<!-- /generated -->', start)
  if (start < begin.length || end === -1) return undefined
  return `${text.slice(0, start)}\n${part}\n\n${text.slice(end)}`
}
