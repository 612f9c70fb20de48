import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryFolder } from '../cli/run-cli.ts'

const RUN = 'the code has run'
const code = `process.stdout.write(${JSON.stringify(RUN)}); module.exports = { hideObject: true }`
const line = '{"level":30,"state":"paid","msg":"bill 7"}\n'

/** A folder with files, by their paths. */
function folderWith(files: { readonly [path: string]: string }): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return folder
}

describe('a configuration that is data', () => {
  it.each([
    { name: 'eventsets.config.json', text: '{ "hideObject": true }' },
    { name: 'eventsets.config.yaml', text: 'hideObject: true' },
    { name: '.eventsetsrc', text: 'hideObject: true' },
  ])('runs nothing that stands beside it: $name', ({ name, text }) => {
    const cwd = folderWith({ [name]: text, '.config/config.cjs': code, '.config/config.js': code })

    expect(runCli([], { cwd, input: line }).stdout).toBe('INFO: bill 7\n')
  })

  it.each([
    { name: 'eventsets.config.json', text: '{ "$import": "./code.cjs" }' },
    { name: 'eventsets.config.yaml', text: '$import: ./code.cjs' },
    { name: '.eventsetsrc', text: '$import: ./code.cjs' },
  ])('imports nothing, and says so: $name', ({ name, text }) => {
    const cwd = folderWith({ [name]: text, 'code.cjs': code })
    const { stdout, stderr } = runCli([], { cwd, input: line })

    expect(stdout).not.toContain(RUN)
    expect(stderr).toContain('$import: is not a known key')
  })

  it('runs nothing that a tag of YAML asks for', () => {
    const cwd = folderWith({ '.eventsetsrc': `ignore: !!js/function "function () { ${code} }"` })
    const { stdout, stderr } = runCli([], { cwd, input: line })

    expect(stdout).not.toContain(RUN)
    expect(stderr).toContain('is not valid YAML: unknown tag')
  })
})

describe('a configuration in YAML', () => {
  const tenfold = (name: string) => `[${Array(10).fill(`*${name}`).join(', ')}]`
  const laughs = [
    'exclude: &a0 [x]',
    ...Array.from({ length: 9 }, (_, n) => `level${n}: &a${n + 1} ${tenfold(`a${n}`)}`),
    'sets: *a9',
  ]

  it.each([
    { what: 'a few lines that stand for a billion values', text: laughs.join('\n') },
    { what: 'a list that holds itself', text: 'sets: &sets [*sets]' },
  ])('is refused for $what', ({ text }) => {
    const cwd = folderWith({ '.eventsetsrc': text })
    const { stdout, stderr } = runCli([], { cwd, input: line })

    expect(stdout).toContain('bill 7')
    expect(stderr).toContain('with its aliases written out, the configuration has more than 100000 values')
  })

  it('may use an alias', () => {
    const cwd = folderWith({
      '.eventsetsrc': 'exclude: &names [database]\nerrorProps: *names\nhideObject: true',
    })

    expect(runCli([], { cwd, input: line })).toMatchObject({ stdout: 'INFO: bill 7\n', stderr: '' })
  })
})

describe('a configuration file', () => {
  it.each([
    { name: 'wrong.json', text: '{\n  "ascii": true,\n}', message: /is not valid JSON: .*line 3,? column 1/ },
    { name: 'wrong.yaml', text: 'ascii: [1\nmarkers: 2', message: /is not valid YAML: .*line 2, column \d+/ },
    { name: 'wrong.toml', text: 'ascii = true', message: /none of them ends in ".toml"/ },
    { name: 'wrong.mjs', text: 'export const ascii = true', message: /has no default export/ },
  ])('that cannot be read is told with its path and the place: $name', ({ name, text, message }) => {
    const cwd = folderWith({ [name]: text })
    const { stdout, stderr, status } = runCli(['--config', name], { cwd, input: line })

    expect(stderr).toContain(join(cwd, name))
    expect(stderr).toMatch(message)
    expect(stdout).toContain('bill 7')
    expect(status).toBe(2)
  })

  it.each([
    { name: 'empty.json', text: '' },
    { name: 'comments.yaml', text: '# nothing yet\n' },
    { name: 'mark.json', text: '\ufeff{ "hideObject": false }' },
  ])('may say nothing, and begin with a byte order mark: $name', ({ name, text }) => {
    const cwd = folderWith({ [name]: text })

    expect(runCli(['--config', name], { cwd, input: line })).toMatchObject({ stderr: '', status: 0 })
  })
})
