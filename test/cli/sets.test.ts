import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { payment } from './records.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const paid = '{"level":30,"payment":"paid","msg":"order"}\n'

/** A folder with JSON files: values as they are, text literally. */
function folderWith(files: { readonly [name: string]: unknown }): string {
  const folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

describe('--set', () => {
  it('adds the set of a file', () => {
    const cwd = folderWith({ 'payment.json': payment })

    expect(runCli(['--set', 'payment.json'], { cwd, input: paid }).stdout).toContain('INFO: [💰] order\n')
    expect(runCli(['--set', 'payment.json', 'list'], { cwd }).stdout).toContain('payment')
    expect(runCli(['list', '--set=payment.json'], { cwd }).stdout).toContain('payment')
    expect(runCli(['show', 'payment', '--set', 'payment.json'], { cwd }).stdout).toContain('💰')
  })

  it('may be given several times', () => {
    const cwd = folderWith({
      'payment.json': payment,
      'other.json': {
        name: 'other',
        mappings: [{ name: 'x', visualMarkers: { y: '🧩' } }],
        fieldMappings: [{ logKey: 'x' }],
      },
    })

    const { stdout } = runCli(['--set', 'payment.json', '--set', 'other.json'], {
      cwd,
      input: '{"level":30,"payment":"paid","x":"y","msg":"both"}\n',
    })

    expect(stdout).toContain('INFO: [💰][🧩] both')
  })

  it('replaces the built-in set of the same name', () => {
    const cwd = folderWith({
      'http.json': {
        name: 'http',
        mappings: [{ name: 'status', visualMarkers: { default: '🎈' } }],
        fieldMappings: [{ logKey: 'res.statusCode', mapping: 'status' }],
      },
    })

    const { stdout } = runCli(['--set', 'http.json'], {
      cwd,
      input: '{"level":30,"req":{"method":"GET"},"res":{"statusCode":200},"msg":"m"}\n',
    })

    expect(stdout).toContain('INFO: [🎈] m\n')
  })

  it('takes a file that begins with a byte order mark', () => {
    const cwd = folderWith({ 'payment.json': `\ufeff${JSON.stringify(payment)}` })

    expect(runCli(['--set', 'payment.json'], { cwd, input: paid }).stdout).toContain('[💰]')
  })

  it('lets sets link to each other, whichever file is named first', () => {
    const cwd = folderWith({
      'payment.json': payment,
      'refund.json': {
        name: 'refund',
        fieldMappings: [{ logKey: 'refund', mapping: 'state', eventSetName: 'payment' }],
      },
    })

    for (const files of [
      ['payment', 'refund'],
      ['refund', 'payment'],
    ]) {
      const args = files.flatMap((name) => ['--set', `${name}.json`])
      const { stdout, stderr } = runCli(args, { cwd, input: '{"level":30,"refund":"paid","msg":"m"}' })
      expect([stdout, stderr], files.join()).toEqual(['INFO: [💰] m\n    refund: "paid"\n', ''])
    }
  })
})

describe('a set that is wrong', () => {
  it('is told with its file and every issue, and nothing is shown', () => {
    const cwd = folderWith({
      'payment.json': {
        ...payment,
        prority: 1,
        fieldMappings: [{ logKey: 'payment', mapping: 'stat' }, { logKey: 7 }],
      },
    })

    const { stdout, stderr, status } = runCli(['--set', 'payment.json'], { cwd, input: paid })

    expect(stderr).toMatch(/^eventsets: Event set "payment" \(payment\.json\) is not valid \(3 issues\):\n/)
    expect(stderr).toContain('prority: is not a known key; did you mean "priority"?')
    expect(stderr).toContain(
      'fieldMappings[0].mapping: no mapping "stat" in set "payment"; did you mean "state"?',
    )
    expect(stderr).toContain('fieldMappings[1].logKey: expected a string, got 7')
    expect([stdout, status]).toEqual(['', 2])
  })

  it('is told with its file when only its link to another set is wrong', () => {
    const cwd = folderWith({
      'refund.json': {
        name: 'refund',
        fieldMappings: [{ logKey: 'x', mapping: 'state', eventSetName: 'htpp' }],
      },
    })

    const { stderr, status } = runCli(['list', '--set', 'refund.json'], { cwd })

    expect(stderr).toContain('Event set "refund" (refund.json) is not valid')
    expect(stderr).toContain(
      'fieldMappings[0].eventSetName: no event set "htpp" is known; did you mean "http"?',
    )
    expect(status).toBe(2)
  })

  it.each([
    { content: '{\n  "name": "x",\n}', problem: /it is not valid JSON: .*line 3,? column 1/ },
    { content: '', problem: /it is not valid JSON: / },
    {
      content: '[]',
      problem: /Event set \(wrong\.json\) is not valid \(1 issue\):\n {2}expected an object, got a list/,
    },
    { content: 'null', problem: /Event set \(wrong\.json\) is not valid/ },
  ])('is told with its file when it holds $content', ({ content, problem }) => {
    const cwd = folderWith({ 'wrong.json': content })

    const { stderr, status } = runCli(['--set', 'wrong.json'], { cwd, input: paid })

    expect(stderr).toMatch(problem)
    expect(stderr).toContain('wrong.json')
    expect(status).toBe(2)
  })

  it('is told with all other wrong ones', () => {
    const cwd = folderWith({ 'a.json': '{', 'b.json': { name: 'b', x: 1 } })
    mkdirSync(join(cwd, 'c'))

    const { stderr, status } = runCli(
      ['a.json', 'b.json', 'c', 'gone.json'].flatMap((file) => ['--set', file]),
      { cwd, input: paid },
    )

    expect(stderr).toContain('cannot read the event set "a.json": it is not valid JSON')
    expect(stderr).toContain('Event set "b" (b.json) is not valid')
    expect(stderr).toContain('cannot read the event set "c": it is a directory')
    expect(stderr).toContain('cannot read the event set "gone.json": there is no such file')
    expect(status).toBe(2)
  })

  it('is one of two that have the same name', () => {
    const cwd = folderWith({ 'a.json': payment, 'b.json': payment })

    const { stderr, status } = runCli(['list', '--set', 'a.json', '--set', 'b.json'], { cwd })

    expect(stderr).toBe(
      'eventsets: "a.json" and "b.json" both hold an event set named "payment".\nGive one of them another name, or leave one out.\n',
    )
    expect(status).toBe(2)
  })
})
