import type { formatPath } from '../core/issue.ts'

/** Where something stands in a document: keys and indices from its root. */
export type Path = readonly (string | number)[]

/** `fieldMappings[2].mapping` as `['fieldMappings', 2, 'mapping']`: {@link formatPath} backwards. */
export function parsePath(text: string): Path {
  const path: (string | number)[] = []
  for (const [, index, quoted, word] of text.matchAll(SEGMENT)) {
    if (index !== undefined) path.push(Number(index))
    else if (quoted !== undefined) path.push(JSON.parse(quoted) as string)
    else path.push(word as string)
  }
  return path
}

const SEGMENT = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\.?([A-Za-z_$][\w$]*)/gy
