/** A text that is no longer than so many UTF-16 units; what is cut off is told by `…`. No character is cut in two. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  let end = 0
  for (const { segment, index } of new Intl.Segmenter().segment(text.slice(0, maxLength))) {
    if (index + segment.length > maxLength - 1) break
    end = index + segment.length
  }
  return `${text.slice(0, end)}…`
}
