import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { load } from './load.ts'

const { drawChart } = await load('chart.mjs')

const groups = [
  {
    title: 'Text',
    bars: [
      { label: 'pino-pretty', kind: 'peer', linesPerSecond: 11_000 },
      { label: 'eventsets, JavaScript', kind: 'js', linesPerSecond: 150_000 },
      { label: 'eventsets, WebAssembly', kind: 'wasm', linesPerSecond: 700_000 },
    ],
  },
  { title: 'Not measured', bars: [] },
  {
    title: 'Lines <found> & "split"',
    bars: [{ label: "it's split & only", kind: 'peer', linesPerSecond: 3_600_000 }],
  },
]

const widthsOf = (svg: string) =>
  [...svg.matchAll(/<rect class="(?:peer|js|wasm)" x="292" y="[\d.]+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  )

describe('drawChart', () => {
  const svg: string = drawChart(groups, 'Node, 2 cores.')

  it('gives well-formed XML', () => {
    expect(findXmlProblem(svg)).toBeUndefined()
  })

  it('has each bar with its label and its figure', () => {
    for (const label of ['pino-pretty', 'eventsets, JavaScript', 'eventsets, WebAssembly'])
      expect(svg).toContain(`>${label}</text>`)
    for (const figure of ['11k', '150k', '700k', '3.6M']) expect(svg).toContain(`>${figure}</text>`)
    expect(widthsOf(svg)).toHaveLength(4)
  })

  it('makes bars longer by what they are faster, ten times by the same length everywhere', () => {
    const [slow = 0, , , fast = 0] = widthsOf(svg)
    const tenTimes = drawChart(
      [
        {
          title: 'a',
          bars: [1000, 10_000, 100_000].map((linesPerSecond) => ({
            label: 'b',
            kind: 'js',
            linesPerSecond,
          })),
        },
      ],
      '',
    )
    const [one = 0, two = 0, three = 0] = widthsOf(tenTimes)

    expect(fast).toBeGreaterThan(slow)
    expect(three - two).toBeCloseTo(two - one, 0)
  })

  it('leaves out a group that was not measured', () => {
    expect(svg).not.toContain('Not measured')
  })

  it('says in words what it shows, for those who cannot see it', () => {
    expect(svg).toMatch(/<svg [^>]*role="img" aria-labelledby="title description"/)
    expect(svg).toMatch(/<title id="title">[^<]+<\/title>/)
    expect(svg).toMatch(
      /<desc id="description">[^<]*pino-pretty 11k, eventsets, JavaScript 150k[^<]*<\/desc>/,
    )
  })

  it('has colours for dark surroundings', () => {
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
  })

  it('gives the same bytes for the same figures', () => {
    expect(drawChart(structuredClone(groups), 'Node, 2 cores.')).toBe(svg)
  })

  it('refuses to draw nothing', () => {
    expect(() => drawChart([{ title: 'Text', bars: [] }], '')).toThrow('no speeds')
  })
})

describe('docs/reference/performance.svg', () => {
  const svg = readFileSync(new URL('../../docs/reference/performance.svg', import.meta.url), 'utf8')

  it('is well-formed XML', () => {
    expect(findXmlProblem(svg)).toBeUndefined()
  })

  it('shows every peer and both scanners', () => {
    const bars = ['pino-pretty', 'JSON.parse + JSON.stringify', 'split only', 'eventsets', 'eventsets --json']

    for (const bar of bars) expect(svg).toContain(`>${bar.startsWith('event') ? `${bar}, JavaScript` : bar}<`)
    expect(svg).toContain('>eventsets, WebAssembly<')
  })
})

/** What is wrong with a text as XML: of the grammar, what such a picture can violate. */
function findXmlProblem(xml: string): string | undefined {
  const open: string[] = []
  let at = 0
  for (const tag of xml.matchAll(/<(\/?)([a-zA-Z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/g)) {
    const problem = findTextProblem(xml.slice(at, tag.index))
    if (problem !== undefined) return problem
    const [whole, closes, name = '', attributes = '', isEmpty] = tag
    const names = [...attributes.matchAll(/ ([\w:-]+)=/g)].map(([, attribute]) => attribute)
    if (new Set(names).size !== names.length) return `an attribute twice in ${whole}`
    if (open.length === 0 && at > 0) return `${whole} outside the root`
    if (closes && open.pop() !== name) return `${whole} closes another element`
    if (!closes && !isEmpty) open.push(name)
    at = tag.index + whole.length
  }
  if (open.length > 0) return `${open.join(', ')} not closed`
  return xml.slice(at).trim() === '' ? undefined : `text behind the root: ${xml.slice(at)}`
}

function findTextProblem(text: string): string | undefined {
  if (text.includes('<')) return `not a tag: ${text}`
  return /&(?!#\d+;)/.test(text) ? `an ampersand by itself: ${text}` : undefined
}
