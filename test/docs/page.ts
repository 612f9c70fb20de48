import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block of a page. */
export interface Block {
  readonly language: string
  /** Its file name: the second word behind the fence (```json payment.json), or in a program a first line `// app.mjs`. */
  readonly file: string | undefined
  readonly code: string
}

/** Something on a page that runs. */
export type Step =
  | { readonly kind: 'program'; readonly file: string; readonly code: string }
  | { readonly kind: 'command'; readonly command: string }

export interface ShownStep {
  readonly title: string
  readonly step: Step
  /** What the page says it prints, if it says so. */
  readonly output: string | undefined
  /** The block it stands in. */
  readonly index: number
}

/** Every page of the documentation, as a path from the root. */
export function listPages(root: string): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return ['README.md', 'CHANGELOG.md', 'examples/README.md', ...docs.map((name) => `docs/${name}`)]
    .filter((name) => name.endsWith('.md') && existsSync(join(root, name)))
    .sort()
}

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', named, code = '']) => ({
      language,
      file: named ?? (language === 'js' ? /^\/\/ ([\w.-]+\.m?js)\n/.exec(code)?.[1] : undefined),
      code,
    }),
  )
}

/**
 * What runs: every program (a `js` block that imports something), compared with the `text` block right behind it,
 * and every line `$ command` of a `console` block, compared with the lines below it.
 *
 * A program that a later command names does not run by itself: it would run twice, and leave its files twice.
 */
export function stepsOf(blocks: readonly Block[]): ShownStep[] {
  return blocks.flatMap((block, index): ShownStep[] => {
    const { language, file, code } = block
    if (language === 'console') return commandsOf(code, index)
    if (language !== 'js' || !code.includes('import ')) return []
    const later = blocks.slice(index + 1).filter((other) => other.language === 'console')
    if (file !== undefined && later.some((other) => other.code.includes(file))) return []
    const next = blocks[index + 1]
    return [
      {
        title: `program ${file ?? index}`,
        step: { kind: 'program', file: file ?? `program-${index}.mjs`, code },
        output: next?.language === 'text' ? next.code : undefined,
        index,
      },
    ]
  })
}

function commandsOf(transcript: string, index: number): ShownStep[] {
  return transcript
    .split(/^\$ /m)
    .slice(1)
    .map((part): ShownStep => {
      const [command = '', ...lines] = part.split('\n')
      return { title: command, step: { kind: 'command', command }, output: lines.join('\n'), index }
    })
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const headings = [...text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)]
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
