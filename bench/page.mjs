// The parts of a page of the documentation that a run writes.

const MARKED = (part) => ({
  begin: `<!-- bench: ${part}. Written by "npm run bench -- --write-docs": changes are lost. -->`,
  end: `<!-- bench: end of ${part} -->`,
})

/**
 * The page with the text between the two comments of a part replaced.
 *
 * Throws unless the page has each comment once, in their order.
 */
export function replacePart(page, part, text) {
  const { begin, end } = MARKED(part)
  for (const comment of [begin, end])
    if (page.split(comment).length !== 2) throw new Error(`The page has not just one comment ${comment}`)
  const [before, rest] = page.split(begin)
  if (!rest.includes(end)) throw new Error(`On the page, ${end} stands before ${begin}`)
  const after = rest.slice(rest.indexOf(end))
  return `${before}${begin}\n\n${text.trim()}\n\n${after}`
}
