import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { prettyFactory } from '../../src/pretty/pretty-factory.ts'
import { compileBoth, type LooseOptions } from './pino-pretty.ts'

const recordsFolder = new URL('../fixtures/records/', import.meta.url)

/** What real programs have logged. */
const fixtureLines = readdirSync(recordsFolder)
  .filter((name) => name.endsWith('.ndjson'))
  .flatMap((name) => readFileSync(new URL(name, recordsFolder), 'utf8').split('\n'))
  .filter((line) => line !== '')

const oddLines = [
  '{"level":"warn","time":"2024-01-01T00:00:00.000Z","msg":"labels"}',
  '{"level":"WARN","time":"1700000000123","msg":"a number as text"}',
  '{"level":99,"time":1,"msg":5}',
  '{"level":35,"time":1700000000000.9,"msg":false}',
  '{"level":30,"time":-62198755200001,"msg":"long ago"}',
  '{"level":30,"time":8640000000000001,"msg":"no date"}',
  '{"level":null,"time":null,"msg":null,"name":null,"pid":0,"hostname":""}',
  '{"level":"","time":true,"msg":"odd types"}',
  '{"level":[30],"time":[2020],"msg":"lists"}',
  '{"level":30,"timestamp":1700000000000,"msg":true}',
  '{"level":30,"time":null,"timestamp":1700000000000,"msg":""}',
  '{"level":30,"msg":{"an":"object"},"name":["a","b"],"pid":{"x":1},"caller":["c"]}',
  '{"name":"app","msg":"no level"}',
  '{"hostname":"host","caller":"file.ts:1","msg":"from"}',
  '{"pid":1,"hostname":"host","caller":"x>","time":"no date"}',
  '{"a":1}',
  '{}',
  '{"msg":"only a message"}',
  '{"":1,"msg":"an empty key"}',
  '{"2":"b","1":"a","z":{"2":"b","1":"a"},"01":"c"}',
  '{"a":{"b":{"c":[1,{"d":[]},{}]}},"a.b":"flat","c":{"d":null,"e":[]},"req":{"headers":{"host":"h"},"url":"/"}}',
  '{"a":null,"req":"text","list":[[],[[1]]]}',
  '{"path":"C:\\\\temp\\\\x","regexp":"\\\\\\\\d","quote":"\\"","msg":"C:\\\\temp"}',
  '{"msg":"two\\nlines","text":"one\\ntwo\\r\\nthree","a\\nb":1,"tab\\t":"\\t"}',
  '{"msg":"\\u001b[31mred\\u0007\\u009b","\\u001b[31mkey\\u0085":"\\u001b[31m\\u007f","name":"a\\u0000b"}',
  '{"msg":"ünïcode 🎉 \\u2028 \\ud800","emoji":"🎉","half":"\\udc00"}',
  '{"n":1e21,"m":1e-7,"z":-0,"big":12345678901234567890,"t":true}',
  '{"level":50,"err":{"type":"E","message":"m","stack":"E: m\\n    at a\\n    at b","code":7},"msg":"failed"}',
  '{"level":50,"err":{"type":"A","stack":"A\\n  at x","aggregateErrors":[{"stack":"B\\n  at y"}],"cause":{"stack":"C\\u001b[31m\\n at z"}}}',
  '{"err":"text","error":null,"level":50}',
  '{"err":{"stack":5,"list":["stack"]},"error":["\\"stack\\": \\"x\\""]}',
  '{"err":{"stack":"a\\u2028b\\n c","stack2":"x\\ny"},"error":{"stack":""}}',
  '{"err":{},"error":[],"stack":"top\\nlevel"}',
  '{"type":"Error","msg":"old","stack":"Error: old\\n    at here\\r\\n    at \\u001b[31mthere","code":7,"path":"/","inner":{"a":{"pid":1},"err":{"stack":"x\\ny"}},"level":50,"name":"n"}',
  '{"type":"Error","stack":5,"msg":"no stack"}',
  '{"type":"Error","stack":"","":"empty"}',
  '{"log":{"level":40,"a.b":1},"log.level":20,"msg":"nested level","time":{"at":1700000000000}}',
  '{"toString":1,"toLocaleString":{},"constructor":"text","__lookupGetter__":1}',
  '{"__proto__":{"a":1},"b":{"__proto__":{"c":2}},"msg":"proto"}',
  '{"constructor":{"prototype":{}},"msg":"refused"}',
  '{"level":30,"levelLabel":"own","msg":"{pid} $& {if pid}x{end} {levelLabel}","pid":7}',
  '\ufeff{"msg":"with a byte order mark"}',
  ' {"msg":"blanks"} ',
  'no json',
  '{"msg":"cut',
  '[{"msg":"a list"}]',
  '"text"',
  '5',
  'null',
  '',
]

const lines = [...fixtureLines, ...oddLines]

function expectSame(options: LooseOptions, inputs: readonly unknown[] = lines): void {
  const both = compileBoth({ colorize: false, ...options })
  for (const input of inputs) {
    const texts = both(input)
    if (texts) expect(texts.ours).toBe(texts.theirs)
  }
}

/** All ways to take one value of each list. */
function crossProduct<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>(
    (rows, list) => rows.flatMap((row) => list.map((value) => [...row, value])),
    [[]],
  )
}

describe('the text of pino-pretty', () => {
  test.each<LooseOptions>([
    {},
    { ignore: undefined },
    { ignore: '' },
    { ignore: 'pid,hostname,time' },
    { ignore: 'level' },
    { ignore: 'msg,name,caller' },
    { ignore: 'err.stack,error' },
    { ignore: 'err.code,err.cause.stack,a.b.c,list.0,req.headers.host' },
    { ignore: 'a\\.b,log\\.level,c.' },
    { ignore: 'a,,.a,a.b' },
    { ignore: 'type' },
    { ignore: 'inner.a,stack' },
    { ignore: 'log.level', levelKey: 'log.level' },
    { ignore: 'log', levelKey: 'log.level' },
    { ignore: 'time.at', timestampKey: 'time' },
    { ignore: 'timestamp', timestampKey: 'time' },
    { ignore: 'name.0,pid.x' },
    { include: 'level,time,msg' },
    { include: 'msg,req.url,req.headers.host,a.b.c' },
    { include: 'a,a.b,c.d,a\\.b,list.1' },
    { include: 'a.b.c,a' },
    { include: '' },
    { include: 'err,type,stack,level', ignore: 'level' },
    { levelKey: 'log.level' },
    { levelKey: 'log\\.level' },
    { levelKey: 'n' },
    { levelKey: 'log.a\\.b' },
    { messageKey: 'text' },
    { messageKey: 'a.b' },
    { timestampKey: 'timestamp' },
    { timestampKey: 'nothing' },
    { translateTime: false },
    { translateTime: 'false' },
    { translateTime: 'true' },
    { translateTime: '' },
    { translateTime: 'SYS:standard' },
    { translateTime: 'sys:STANDARD' },
    { translateTime: 'sys:HH:MM' },
    { translateTime: 'yyyy-mm-dd HH:MM:ss.l o' },
    { translateTime: 'UTC:yyyy-mm-dd HH:MM:ss.l o' },
    { translateTime: 'utc:HH' },
    { translateTime: 'SYS:' },
    { translateTime: 'SYS:UTC:h:M:s.L tt' },
    { translateTime: 'SYS:GMT:h Z' },
    { translateTime: 'SYS:shortDate' },
    { translateTime: 'SYS:isoUtcDateTime' },
    { translateTime: 'SYS:longTime' },
    { translateTime: 'dddd d mmmm yy, T TT t H M s l L p S N W WW Z "quoted" \'too\' "open' },
    { translateTime: 'DDDD DDD ddd mmm m mm dd hh' },
    { messageFormat: '{pid} - {a.b} - {msg}' },
    { messageFormat: '{levelLabel} {level} {msg}' },
    { messageFormat: '{levelLabel} {msg}', customLevels: 'info:30,odd:99' },
    { messageFormat: '{levelLabel} {msg}', customLevels: 'odd:99', useOnlyCustomProps: false },
    { messageFormat: '{LABEL} {levelLabel}', levelLabel: 'LABEL', useOnlyCustomProps: false },
    { messageFormat: '{if pid}{pid} {end}{msg}' },
    { messageFormat: '{if msg}<{msg}>{end} {if req.url}{req.url}{end}\n\n  {if a}a{end} x' },
    { messageFormat: '{if a.b}{a.b} {axb}{end}{if msg}{name}{end}{if pid}pid{end} {end} {if x}' },
    { messageFormat: '  plain   text\t{}\n \n {nothing}{toString}{msg.length}{list.0} ' },
    { messageFormat: '{if 1}{1}{end}{msg}' },
    { messageFormat: '' },
    { messageFormat: false },
    { minimumLevel: 'warn' },
    { minimumLevel: 40 },
    { minimumLevel: 'nothing' },
    { minimumLevel: 'odd', customLevels: 'odd:35' },
    { minimumLevel: 'info', customLevels: { odd: 35 } },
    { minimumLevel: 'odd', customLevels: { odd: 35 }, useOnlyCustomProps: false },
    { customLevels: 'odd:99,own:35' },
    { customLevels: 'first,second,odd:99', useOnlyCustomProps: false },
    { customLevels: { Odd: 99, warn: 35 }, useOnlyCustomProps: 'false' },
    { customLevels: [] },
    { customLevels: '' },
    { errorProps: 'code,path,inner,nothing' },
    { errorProps: '*' },
    { errorProps: '*', singleLine: true },
    { errorProps: 'inner', singleLine: true, crlf: true },
    { errorProps: 'inner,stack,code', messageKey: 'code' },
    { errorLikeObjectKeys: ['err', 'error', 'a', 'msg'] },
    { errorLikeObjectKeys: 'err,error' },
    { errorLikeObjectKeys: [] },
    { hideObject: 'true' },
    { hideObject: undefined },
    { crlf: 'true', singleLine: 'true', levelFirst: 'true', colorize: 'true', colorizeObjects: 'false' },
    { colorize: true, customColors: 'info:red,message:bgBlue,property:bold,greyMessage:dim' },
    { colorize: true, customColors: { info: 'no colour', 99: 'cyanBright', default: 'bgMagentaBright' } },
    { colorize: true, customColors: 'odd:magenta,warn:blue', customLevels: 'odd:99' },
    { colorize: true, customColors: 'odd:magenta', customLevels: 'odd:99', useOnlyCustomProps: false },
    { colorize: true, customColors: 'red', singleLine: true },
    { colorize: false, customColors: 'info:red' },
  ])('it writes with %j', (options) => {
    expectSame(options)
    expectSame({ singleLine: true, colorize: true, ...options })
  })

  test('it writes with every combination of the options that change the layout', () => {
    const flags = crossProduct<boolean>(Array.from({ length: 7 }, () => [false, true]))
    const others = crossProduct<LooseOptions>([
      [{}, { translateTime: 'SYS:standard' }, { translateTime: false }],
      [{}, { ignore: 'pid,time,a.b,err.stack' }, { include: 'level,msg,err,a.b,type,stack,text' }],
      [{}, { messageFormat: '{levelLabel} {if pid}({pid}) {end}{msg}' }, { messageKey: 'text' }],
      [{}, { customLevels: 'odd:99,own:35,warn:40', customColors: 'odd:cyan,message:bold,info:red' }],
      [{}, { errorProps: '*', minimumLevel: 'warn' }],
    ]).map((row) => Object.assign({}, ...row) as LooseOptions)
    let turn = 0
    for (const row of flags) {
      const [colorize, colorizeObjects, singleLine, levelFirst, hideObject, crlf, useOnlyCustomProps] = row
      for (const other of others) {
        // Each combination writes two of the lines; in the end all lines have met all kinds of options.
        const some = Array.from({ length: 2 }, () => lines[turn++ % lines.length])
        expectSame(
          {
            ...other,
            colorize,
            colorizeObjects,
            singleLine,
            levelFirst,
            hideObject,
            crlf,
            useOnlyCustomProps,
          },
          some,
        )
      }
    }
  })

  test('it writes records given as objects', () => {
    expectSame({}, objects())
    expectSame({ singleLine: true }, objects())
    expectSame({ ignore: '' }, objects())
    expectSame({ ignore: 'list.0,at.x,point.x' }, objects())
    expectSame({ include: 'point.x,list,at,level' }, objects())
  })

  test('it passes on what is no record', () => {
    expectSame({}, [5, null, undefined, true, Buffer.from('{"msg":"bytes"}'), Buffer.from('text'), ['{}']])
    expectSame({ crlf: true }, [new String('{"msg":"a String"}'), () => 'function', Buffer.alloc(0)])
  })
})

/** What only a program can log: values with a form of their own, or with none. */
function objects(): object[] {
  class Point {
    readonly x: number
    readonly y: number
    constructor(x: number, y: number) {
      this.x = x
      this.y = y
    }
    get sum() {
      return this.x + this.y
    }
  }
  class Money extends Point {
    toJSON() {
      return { amount: this.x }
    }
  }
  const ring: Record<string, unknown> = { name: 'ring', list: [] }
  ring['self'] = ring
  ;(ring['list'] as unknown[]).push(ring, { deep: { ring } })
  const shared = { a: 1 }
  return [
    { level: 30, time: new Date(1_700_000_000_000), msg: 'a date', at: new Date(0) },
    { msg: 'no values', a: undefined, b: () => 1, c: Symbol('c'), d: [undefined, () => 1, Symbol('d')] },
    { msg: 'numbers', nan: Number.NaN, inf: Number.POSITIVE_INFINITY, zero: -0, boxed: new Number(5) },
    { msg: 'big', big: 1n, a: 1 },
    { msg: 'collections', map: new Map([[1, 2]]), set: new Set([1]), bytes: Buffer.from('ab'), re: /x/g },
    { msg: 'instances', point: new Point(1, 2), money: new Money(3, 4), list: [new Money(5, 6)] },
    { msg: 'shared', a: shared, b: shared, list: [shared, shared] },
    { msg: 'throws', bad: { toJSON: () => ring } },
    Object.assign(Object.create({ name: 'inherited', msg: 'inherited' }), { level: 30 }),
    Object.assign(Object.create(null), { level: 30, msg: 'without prototype' }),
    { err: new Error('not serialised'), level: undefined, time: undefined, msg: 'error' },
    { msg: 'cycle', ring },
    ring,
    new Point(1, 2),
  ]
}

describe('functions of the user', () => {
  const record = {
    level: 30,
    time: 0,
    pid: 1,
    name: 'n',
    hostname: 'h',
    caller: 'c',
    msg: 'm',
    a: { b: 1 },
    err: { stack: 'x\ny' },
  }

  test.each<[string, object]>([
    ['a level', { level: (...args: unknown[]) => `<${JSON.stringify(args)}>` }],
    ['a time', { time: (...args: unknown[]) => JSON.stringify(args) }],
    ['no time', { time: () => '' }],
    [
      'the rest of the head',
      Object.fromEntries(
        ['name', 'pid', 'hostname', 'caller'].map((key) => [
          key,
          (...args: unknown[]) => JSON.stringify(args.slice(0, 3)),
        ]),
      ),
    ],
    ['a field', { a: (...args: unknown[]) => `\n"x"\\\\\r\n${JSON.stringify(args.slice(0, 3))}` }],
    ['a field, with nothing', { a: () => undefined }],
    ['an error', { err: (value: { stack: string }) => `"stack": "${value.stack.length}\u001b\\n"\r\nx` }],
    ['the message, which is no field', { msg: () => 'never' }],
  ])('it writes %s with them', (_, customPrettifiers) => {
    for (const options of crossProduct<LooseOptions>([
      [{ colorize: true }, { colorize: false }],
      [{}, { singleLine: true }, { crlf: true }],
      [{ ignore: '' }, { ignore: 'pid,a.b' }, { include: 'a,err,level,time,name,caller,hostname' }],
      [{}, { customLevels: 'info:30', useOnlyCustomProps: false }],
    ]).map((row) => Object.assign({ customPrettifiers }, ...row)))
      expectSame(options, [record, JSON.stringify(record)])
  })

  test('it gives colours to a level and a message, and paints around those', () => {
    expectSame(
      {
        colorize: true,
        customPrettifiers: {
          level: (_: unknown, __: string, ___: object, extras: Extras) =>
            `${extras.label} ${extras.labelColorized} ${extras.colors['bold']?.(`a${extras.colors['dim']?.('b')}c`)}`,
        },
        messageFormat: (...[log, messageKey, levelLabel, { colors }]: [Log, string, string, Extras]) =>
          `a long text ${colors['red']?.('red')} ${colors['cyan']?.('cyan')} ${log[messageKey]} ${levelLabel}`,
      },
      [record, JSON.stringify(record)],
    )
  })

  test('it paints in every colour as pino-pretty does, or in none', () => {
    const write = (...[, , , { colors }]: [Log, string, string, Extras]) =>
      Object.keys(colors)
        .sort()
        .map((name) => [name, colors[name]?.('text'), colors[name]?.(''), colors[name]?.(5 as never)].join())
        .join()
    expectSame({ colorize: true, messageFormat: write }, [record])
    expectSame({ colorize: false, messageFormat: write }, [record])
  })

  test('it leaves a record as it is, whatever they do to what they get', () => {
    const given = structuredClone(record)
    const prettify = prettyFactory({
      colorize: false,
      customPrettifiers: {
        level: (_value, _key, log) => {
          delete log.pid
          log.a.b = 2
          return 'LEVEL'
        },
      },
    })

    expect(prettify(given)).toContain('"b": 2')
    expect(given).toEqual(record)
  })
})

interface Extras {
  readonly label: string
  readonly labelColorized: string
  readonly colors: Record<string, (text: string) => string>
}

type Log = Record<string, unknown>

describe('what pino itself writes', () => {
  const written: string[] = []
  const logger = pino(
    { level: 'trace', name: 'shop' },
    { write: (line) => void written.push(line.trimEnd()) },
  )
  logger.trace('trace')
  logger.info({ a: { b: [1, { c: 'd' }] }, list: [], empty: {}, no: null }, 'nested %s', 'text')
  logger.error({ err: new TypeError('with cause', { cause: new Error('the cause') }) }, 'failed')
  logger.error({ error: Object.assign(new Error('coded'), { code: 'ENOENT', path: 'C:\\tmp' }) })
  logger.fatal({ err: new AggregateError([new Error('one'), new Error('two')], 'both') })

  test.each<LooseOptions>([
    {},
    { singleLine: true },
    { colorize: true },
    { ignore: 'err.stack' },
    { crlf: true },
  ])('it writes like pino-pretty with %j', (options) => {
    expectSame(options, written)
  })
})

/** In a process of its own: the time zone of a process is settled early. */
test.each(['UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'])(
  'it writes local times like pino-pretty in %s, around changes of the clock too',
  (zone) => {
    const script = `
    import { createRequire } from 'node:module'
    import { prettyFactory } from ${JSON.stringify(new URL('../../dist/pretty/index.js', import.meta.url).href)}
    const theirs = createRequire(${JSON.stringify(import.meta.url)})('pino-pretty').prettyFactory
    const masks = [true, 'SYS:standard', 'SYS:dddd d mmm yyyy h:MM:ss.l TT o p', 'SYS:W WW N S Z DDD', 'HH:MM:ss.L o DDDD']
    const wrong = masks.flatMap((translateTime) => {
      const options = { colorize: false, translateTime }
      const [a, b] = [prettyFactory(options), theirs(options)]
      const times = Array.from({ length: 1200 }, (_, n) => Date.UTC(2011, 11, 20) + n * 31_111_111.5)
      return [...times, -1, 0, 1, -999, -1000, -1001, -1e14, 1e15].filter((time) => a({ time }) !== b({ time }))
    })
    console.log(wrong.length)
  `
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
    })

    expect(output.trim()).toBe('0')
  },
)
