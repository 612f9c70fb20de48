// The speeds of a run as a picture: an SVG that is readable in light and dark surroundings.

const WIDTH = 760
const LABEL_WIDTH = 292
const RIGHT = 76
const TOP = 74
const BAR = 16
const BAR_STEP = 22
const GROUP_HEAD = 26
const GROUP_GAP = 10
const BOTTOM = 58

const KINDS = [
  { kind: 'peer', title: 'others' },
  { kind: 'js', title: 'eventsets, JavaScript scanner' },
  { kind: 'wasm', title: 'eventsets, WebAssembly scanner' },
]

// Its own background, since the page around a picture need not follow the system's choice of light or dark.
const STYLE = `
  text { font: 12px -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .group { font-weight: 600 }
  .quiet { fill: #59636e }
  .end { text-anchor: end }
  .middle { text-anchor: middle }
  .paper { fill: #ffffff; stroke: #d1d9e0 }
  .grid { stroke: #d1d9e0 }
  .peer { fill: #818b98 }
  .js { fill: #bf8700 }
  .wasm { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .paper { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #3d444d }
    .peer { fill: #9198a1 }
    .js { fill: #d29922 }
    .wasm { fill: #4493f8 }
  }`

/**
 * Draws groups of bars, `[{ title, bars: [{ label, kind, linesPerSecond }] }]`, on a logarithmic scale.
 *
 * The same groups and the same `source` (a sentence about where the figures come from) give the same bytes.
 */
export function drawChart(groups, source) {
  const shown = groups.filter(({ bars }) => bars.length > 0)
  const bars = shown.flatMap((group) => group.bars)
  if (bars.length === 0) throw new Error('There are no speeds to draw: the subject "cli" has not run.')
  const scale = createScale(bars.map(({ linesPerSecond }) => linesPerSecond))

  let y = TOP
  const parts = []
  for (const { title, bars: members } of shown) {
    parts.push(text(24, y + 17, title, 'group'))
    y += GROUP_HEAD
    for (const { label, kind, linesPerSecond } of members) {
      const width = round(scale.x(linesPerSecond) - LABEL_WIDTH)
      const baseline = y + BAR - 4
      parts.push(
        text(LABEL_WIDTH - 8, baseline, label, 'end'),
        `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        text(LABEL_WIDTH + width + 6, baseline, shortCount(linesPerSecond)),
      )
      y += BAR_STEP
    }
    y += GROUP_GAP
  }
  const floor = y
  const height = floor + BOTTOM

  const grid = scale.ticks.flatMap((tick) => {
    const x = round(scale.x(tick))
    return [
      `<path class="grid" d="M${x} ${TOP}V${floor}"/>`,
      text(x, floor + 18, shortCount(tick), 'quiet middle'),
    ]
  })
  const legend = KINDS.filter(({ kind }) => bars.some((bar) => bar.kind === kind)).flatMap(
    ({ kind, title }, index) => [
      `<rect class="${kind}" x="${24 + index * 220}" y="46" width="12" height="12" rx="2"/>`,
      text(42 + index * 220, 56, title, 'quiet'),
    ],
  )
  const description = shown
    .map(
      ({ title, bars: members }) =>
        `${title}: ${members.map((bar) => `${bar.label} ${shortCount(bar.linesPerSecond)}`).join(', ')}.`,
    )
    .join(' ')

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">`,
    '<title id="title">Log lines per second, eventsets and others</title>',
    `<desc id="description">${escapeXml(`Bars on a logarithmic scale, in lines per second. ${description}`)}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    text(24, 32, 'Log lines per second', 'title'),
    text(WIDTH - 24, 32, 'logarithmic scale; longer is faster', 'quiet end'),
    ...legend,
    ...grid,
    ...parts,
    text(24, height - 16, source, 'quiet'),
    '</svg>',
  ].join('\n')}\n`
}

/** From the power of ten below the slowest, with room for its bar, to the right edge for the fastest. */
function createScale(values) {
  const low = Math.floor(Math.log10(Math.min(...values) / 2))
  const high = Math.log10(Math.max(...values))
  const ticks = Array.from({ length: Math.floor(high) - low + 1 }, (_, index) => 10 ** (low + index))
  const span = WIDTH - RIGHT - LABEL_WIDTH
  return { ticks, x: (value) => LABEL_WIDTH + ((Math.log10(value) - low) / (high - low)) * span }
}

/** `1234567` as `1.23M`, `11000` as `11k`. */
function shortCount(value) {
  if (value >= 999_500) return `${Number((value / 1e6).toPrecision(3))}M`
  if (value >= 1000) return `${Number((value / 1000).toPrecision(3))}k`
  return String(Number(value.toPrecision(3)))
}

function text(x, y, content, classes) {
  const attribute = classes === undefined ? '' : ` class="${classes}"`
  return `<text${attribute} x="${round(x)}" y="${round(y)}">${escapeXml(content)}</text>`
}

const round = (value) => Math.round(value * 10) / 10

function escapeXml(content) {
  return content.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
