import { describe, expect, it } from 'vitest'
import { failure, request } from './records.ts'
import { runCli } from './run-cli.ts'

/** The first line that is shown for a record. */
function firstLine(record: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { stdout, stderr } = runCli(args, { input: `${record}\n`, env })
  expect(stderr).toBe('')
  return stdout.split('\n')[0] as string
}

describe('--json', () => {
  it('keeps the bytes of the line and adds the markers and metadata before the closing brace', () => {
    const line = '{ "level":30, "res":{"statusCode":200}, "big":12345678901234567890, "a":1,"a":2 }'

    const enriched = firstLine(line, ['--json'])

    expect(enriched.startsWith(line.slice(0, -1))).toBe(true)
    expect(JSON.parse(enriched)).toMatchObject({ markers: ['✅'], 'http.success': true })
  })

  it('leaves a line without markers as it is', () => {
    expect(firstLine('{"level":30,"msg":"x"}', ['--json'])).toBe('{"level":30,"msg":"x"}')
  })

  it('leaves an enriched line as it is', () => {
    const once = firstLine(request, ['--json'])

    expect(firstLine(once, ['--json'])).toBe(once)
  })

  it('shows as text what it wrote as JSON', () => {
    expect(firstLine(firstLine(request, ['--json']), [])).toBe('INFO: [📥][✅] request completed')
  })

  it('is not coloured', () => {
    expect(firstLine(request, ['--json', '--color'])).not.toContain('\u001b')
  })
})

describe('--markers', () => {
  it.each([
    { args: [], first: 'INFO: [📥][✅] request completed' },
    { args: ['--markers', 'message'], first: 'INFO: [📥][✅] request completed' },
    { args: ['--markers', 'none'], first: 'INFO: request completed' },
  ])('puts them where it is told in text: $args', ({ args, first }) => {
    expect(firstLine(request, args)).toBe(first)
  })

  it('puts them in a field of the text', () => {
    const { stdout } = runCli(['--markers', 'field', '-S'], { input: `${request}\n` })

    expect(stdout).toBe(
      'INFO: request completed {"req":{"method":"GET"},"res":{"statusCode":200},"markers":["📥","✅"]}\n',
    )
  })

  it.each([
    { args: ['--markers', 'field'], msg: 'request completed', markers: ['📥', '✅'] },
    { args: ['--markers', 'message'], msg: '[📥][✅] request completed', markers: undefined },
    { args: ['--markers', 'none'], msg: 'request completed', markers: undefined },
  ])('puts them where it is told in JSON: $args', ({ args, msg, markers }) => {
    const record = JSON.parse(firstLine(request, ['--json', '--no-metadata', ...args]))

    expect([record.msg, record.markers]).toEqual([msg, markers])
  })

  it('names the field as it is told', () => {
    expect(JSON.parse(firstLine(request, ['--json', '--markers-field', 'signs']))).toMatchObject({
      signs: ['📥', '✅'],
    })
  })

  it('refuses another place, naming those there are, and exits 2', () => {
    const { stdout, stderr, status } = runCli(['--markers', 'mesage'], { input: request })

    expect(stderr).toMatch(/^eventsets: .*'mesage'.*message, field, none; did you mean "message"\?/)
    expect([stdout, status]).toEqual(['', 2])
  })
})

describe('--marker-style', () => {
  it('puts brackets around them, or none', () => {
    expect(firstLine(request, ['--marker-style', 'brackets'])).toBe('INFO: [📥][✅] request completed')
    expect(firstLine(request, ['--marker-style', 'plain'])).toBe('INFO: 📥 ✅ request completed')
  })
})

describe('--ascii', () => {
  it('shows markers as their keys', () => {
    expect(firstLine(request, ['--ascii'])).toBe('INFO: [get][2xx] request completed')
    expect(JSON.parse(firstLine(request, ['--json', '--ascii'])).markers).toEqual(['get', '2xx'])
  })

  it.each([
    { asked: '1', marker: '[post][5xx]' },
    { asked: 'true', marker: '[post][5xx]' },
    { asked: '0', marker: '[📤][🔥]' },
    { asked: 'false', marker: '[📤][🔥]' },
    { asked: '', marker: '[📤][🔥]' },
  ])('can be asked for by EVENTSETS_ASCII=$asked', ({ asked, marker }) => {
    expect(firstLine(failure, [], { EVENTSETS_ASCII: asked })).toBe(`ERROR: ${marker} request errored`)
  })
})

describe('EVENTSETS_ASCII', () => {
  it('speaks of what people see: JSON lines are as they are told to be', () => {
    expect(JSON.parse(firstLine(request, ['--json'], { EVENTSETS_ASCII: '1' })).markers).toEqual(['📥', '✅'])
  })
})

describe('--metadata', () => {
  it('is added to JSON unless told otherwise', () => {
    expect(firstLine(request, ['--json'])).toContain('"http.success":true')
    expect(firstLine(request, ['--json', '--metadata'])).toContain('"http.success":true')
    expect(firstLine(request, ['--json', '--no-metadata'])).not.toContain('http.success')
  })

  it('is added to text only when told', () => {
    const shown = (args: readonly string[]) => runCli(args, { input: request }).stdout

    expect(shown([])).not.toContain('http.success')
    expect(shown(['--no-metadata'])).not.toContain('http.success')
    expect(shown(['--metadata'])).toContain('http.success: true')
  })
})
