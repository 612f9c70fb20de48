import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/arguments.ts'
import { root, runCli, runProgram } from './run-cli.ts'

const recordsFolder = join(root, 'test/fixtures/records')
/** Records of real libraries, without what pino-pretty lets through and we do not: controls, and lines that start anew. */
const realLines = readdirSync(recordsFolder)
  .filter((name) => name.endsWith('.ndjson'))
  .flatMap((name) => readFileSync(join(recordsFolder, name), 'utf8').split('\n'))
  .filter((line) => line !== '' && !/\\u00[0-9a-f]|\\n/.test(line.replace(/"stack":"(?:[^"\\]|\\.)*"/g, '')))

const ownLines = [
  '{"level":30,"time":1700000000000,"pid":7,"hostname":"h","msg":"plain"}',
  '{"level":20,"time":1700000000001,"pid":7,"hostname":"h","name":"app","msg":"with a name","a":{"b":[1,2,{"c":null}]}}',
  '{"level":35,"time":1700000000002,"msg":"custom level","text":"später 📥"}',
  '{"level":60,"time":"2024-01-01T00:00:00.000Z","msg":"fatal, a time as text"}',
  '{"level":"warn","msg":"a level as text"}',
  '{"level":50,"time":1700000000003,"err":{"type":"TypeError","message":"boom","stack":"TypeError: boom\\n    at a (b.js:1:2)","code":"E_X","extra":{"y":1}},"msg":"boom"}',
  '{"level":50,"time":1700000000004,"failure":{"type":"Error","message":"other key","stack":"Error: other key\\n    at c"},"msg":"m"}',
  '{"severity":30,"ts":1700000000005,"message":"other keys","level":30}',
  '{"level":30,"time":1700000000006,"payload":{"x":1,"y":"z"}}',
  '{"level":30,"time":1700000000007,"msg":{"an":"object"}}',
  '{}',
]
const input = `${[...realLines, ...ownLines].join('\n')}\n`

/** pino-pretty's flags, each in all its spellings; both programs are run with the first. */
const flags: readonly (readonly (readonly string[])[])[] = [
  [[]],
  [['--singleLine'], ['--single-line'], ['-S']],
  [['--levelFirst'], ['--level-first'], ['-l']],
  [['--hideObject'], ['--hide-object'], ['-H']],
  [['--translateTime'], ['--translate-time'], ['-t']],
  [
    ['--translateTime', 'SYS:standard'],
    ['--translate-time', 'SYS:standard'],
    ['-t', 'SYS:standard'],
    ['-tSYS:standard'],
  ],
  [
    ['--translateTime', 'UTC:yyyy-mm-dd HH:MM:ss.l o'],
    ['-t', 'UTC:yyyy-mm-dd HH:MM:ss.l o'],
  ],
  [['--translateTime', 'HH:MM:ss'], ['-t', 'HH:MM:ss'], ['--translate-time=HH:MM:ss']],
  [
    ['--translateTime', 'isoDateTime'],
    ['-t', 'isoDateTime'],
  ],
  [['--translateTime=false'], ['--translate-time=false'], ['-t', 'false']],
  [
    ['--ignore', 'pid,hostname,req.headers'],
    ['-i', 'pid,hostname,req.headers'],
    ['--ignore=pid,hostname,req.headers'],
  ],
  [
    ['--include', 'level,time,req'],
    ['-I', 'level,time,req'],
  ],
  // Without -U false, pino-pretty puts "undefined" for the level into a message format.
  [
    ['--messageFormat', '{levelLabel} - {pid} - {msg}', '-U', 'false'],
    ['--message-format', '{levelLabel} - {pid} - {msg}', '-U', 'false'],
    ['-o', '{levelLabel} - {pid} - {msg}', '-U', 'false'],
  ],
  [
    ['--levelLabel', 'LVL', '-o', '{LVL} {msg}', '-U', 'false'],
    ['--level-label', 'LVL', '-o', '{LVL} {msg}', '-U', 'false'],
    ['-b', 'LVL', '-o', '{LVL} {msg}', '-U', 'false'],
  ],
  [
    ['--messageKey', 'message'],
    ['--message-key', 'message'],
    ['-m', 'message'],
  ],
  [
    ['--levelKey', 'severity'],
    ['--level-key', 'severity'],
  ],
  [
    ['--timestampKey', 'ts'],
    ['--timestamp-key', 'ts'],
    ['-a', 'ts'],
  ],
  [
    ['--customLevels', 'audit:35,info:30'],
    ['--custom-levels', 'audit:35,info:30'],
    ['-x', 'audit:35,info:30'],
  ],
  [
    ['-x', 'audit:35', '-U', 'false'],
    ['--custom-levels=audit:35', '--use-only-custom-props=false'],
    ['-x', 'audit:35', '--useOnlyCustomProps', 'false'],
  ],
  [
    ['-x', 'audit:35', '-U'],
    ['-x', 'audit:35', '--use-only-custom-props', 'true'],
  ],
  [
    ['-c', '--customColors', 'info:blue,error:bgRed,message:green'],
    ['--color', '--custom-colors', 'info:blue,error:bgRed,message:green'],
    ['-cX', 'info:blue,error:bgRed,message:green'],
  ],
  [
    ['--errorLikeObjectKeys', 'err,failure'],
    ['--error-like-object-keys', 'err,failure'],
    ['-k', 'err,failure'],
  ],
  [
    ['--errorProps', 'code,extra'],
    ['--error-props', 'code,extra'],
    ['-e', 'code,extra'],
  ],
  [
    ['--errorProps', '*'],
    ['-e', '*'],
  ],
  [['--colorize'], ['--color'], ['-c']],
  [['--colorize', '--singleLine'], ['-cS'], ['-Sc'], ['--colorize=true', '--single-line=true']],
  [
    ['--colorize', '--colorizeObjects=false'],
    ['-c', '--no-colorize-objects'],
    ['-c', '--no-colorizeObjects'],
  ],
  [['--crlf'], ['--crlf=true']],
  [['-S', '-t', '-l'], ['-tSl'], ['-Slt']],
]

const spelt = flags.map(([args = [], ...others]) => ({ args, others }))

const pinoPretty = join(root, 'node_modules/pino-pretty/bin.js')

describe.each(spelt)('$args', ({ args, others }) => {
  it('shows the same bytes as pino-pretty', () => {
    const oracle = runProgram(process.execPath, [pinoPretty, ...args], { input })
    const ours = runCli(['--markers', 'none', ...args], { input })

    expect([oracle.stderr, ours.stderr]).toEqual(['', ''])
    expect(ours.stdout).toBe(oracle.stdout)
  })

  it.each(others)('means the same when spelt %s %s %s', (...other) => {
    const isAbout = (flags: object) => JSON.stringify(Object.entries(flags).sort())
    const { flags: expected } = readArguments(args)
    const { flags: actual, isView } = readArguments(other)

    expect(isView).toBe(true)
    // "true" and "false" may be written out.
    expect(isAbout(actual).replace(/"(true|false)"/g, '$1')).toBe(
      isAbout(expected).replace(/"(true|false)"/g, '$1'),
    )
  })
})

describe('--minimum-level beside pino-pretty', () => {
  it('leaves out the same lines', () => {
    const known = input
      .split('\n')
      .filter((line) => /^\{"level":[1-6]0,/.test(line))
      .join('\n')
    for (const args of [
      ['-L', 'warn'],
      ['--minimumLevel', 'error'],
    ]) {
      const oracle = runProgram(process.execPath, [pinoPretty, ...args], {
        input: known,
      })

      expect(runCli(['--markers', 'none', ...args], { input: known }).stdout).toBe(oracle.stdout)
    }
  })
})
