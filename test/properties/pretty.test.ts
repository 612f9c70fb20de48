import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRenderer } from '../../src/pretty/renderer.ts'
import { toSafeText } from '../../src/pretty/safe-text.ts'
import { compileBoth, type LooseOptions } from '../pretty/pino-pretty.ts'
import { hostileRecord, hostileText } from './hostile-records.ts'

/** How much of it there is time for. */
const RUNS = process.env.CI === 'true' ? 6 : 1

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })
const flag = fc.constantFrom<unknown[]>(true, false, 'true', 'false')

const keyName = fc.constantFrom('msg', 'level', 'time', 'name', 'err', 'a', 'b', 'code', 'stack', 'type', '1')

/** Keys as `ignore` and `include` take them. */
const keyList = fc
  .array(
    fc
      .array(fc.oneof({ weight: 4, arbitrary: keyName }, fc.constantFrom('', '0', 'a\\.b', '\\', 'cause')), {
        minLength: 1,
        maxLength: 3,
      })
      .map((segments) => segments.join('.')),
    { maxLength: 4 },
  )
  .map((keys) => keys.join(','))

const mask = fc
  .array(
    fc.constantFrom(
      ...['d', 'dd', 'ddd', 'dddd', 'm', 'mm', 'mmm', 'mmmm', 'yy', 'yyyy', 'h', 'hh', 'H', 'HH', 'M', 'MM'],
      ...['s', 'ss', 'l', 'L', 't', 'tt', 'T', 'TT', 'o', 'p', 'S', 'N', 'W', 'WW', 'Z', '"l"', "'o'", '"'],
      ...['-', ':', ' ', '.', 'x', 'UTC:', 'SYS:', 'GMT:'],
    ),
    { maxLength: 8 },
  )
  .map((tokens) => tokens.join(''))

const template = fc
  .array(
    fc.oneof(
      keyName.map((key) => `{${key}}`),
      keyName.map((key) => `{if ${key}}{${key}} {end}`),
      fc.constantFrom(
        '{levelLabel}',
        '{if a.b}{a.b}{end}',
        '{err.stack}',
        '{if msg}',
        '{end}',
        ' ',
        '\n',
        '{',
      ),
      fc.constantFrom('{req.url}', '$&', '{if name}x{if a}{name}{end}{a}{end}', '\t \n\n', '}', 'text'),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''))

const levels = fc.constantFrom('odd:99,own:35', 'info:1', { odd: 99, INFO: 30 }, 'a,b,c', {})
const colours = fc.constantFrom(
  'info:red,message:bgBlue',
  { odd: 'magenta', property: 'green', greyMessage: 'bold' },
  '30:cyan,default:dim',
)

const options: fc.Arbitrary<LooseOptions> = fc.record(
  {
    colorize: flag,
    colorizeObjects: flag,
    crlf: flag,
    customColors: maybe(colours),
    customLevels: maybe(levels),
    errorLikeObjectKeys: fc.constantFrom<unknown[]>(['err', 'error'], ['a', 'msg', 'err'], 'err,error', []),
    errorProps: fc.oneof(fc.constant('*'), keyList),
    hideObject: flag,
    ignore: maybe(keyList),
    include: maybe(keyList),
    levelFirst: flag,
    levelKey: fc.oneof(keyName, fc.constantFrom('a.b', 'a\\.b', 'err.code')),
    levelLabel: keyName,
    messageFormat: maybe(template),
    messageKey: keyName,
    minimumLevel: fc.constantFrom<unknown[]>('info', 'odd', 30, 'none'),
    singleLine: flag,
    timestampKey: keyName,
    translateTime: fc.oneof(flag, mask, fc.constantFrom('SYS:standard', 'SYS:isoDateTime', 'UTC:longTime')),
    useOnlyCustomProps: flag,
  },
  { requiredKeys: [] },
)

const withoutColour = (given: LooseOptions): LooseOptions => ({ colorize: false, ...given })

const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  hostileText,
  fc.constantFrom('Error', 'info', 'ODD', 'Error: x\n    at y\n    at z', 'C:\\temp\\\\x', '', ' ', '{msg}'),
  fc.constantFrom(30, 35, 60, 99, 0, -1, 1_700_000_000_000, 1e300, -0, 1.5),
  fc.integer(),
  fc.double(),
  fc.date().map((date) => date.getTime()),
  fc.boolean(),
  fc.constant(null),
)

const key = fc.oneof(
  { weight: 4, arbitrary: keyName },
  fc.constantFrom('hostname', 'pid', 'caller', 'timestamp', 'cause', 'aggregateErrors', 'a.b', 'req', '01'),
  fc.nat(20).map(String),
  fc.string({ unit: 'binary', maxLength: 6 }),
)

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value' },
    scalar,
    fc.array(tie('value'), { maxLength: 3, depthIdentifier: 'value' }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, depthIdentifier: 'value' }),
  ),
}))

const record = fc
  .array(fc.tuple(key, fc.oneof({ weight: 2, arbitrary: scalar }, value)), { maxLength: 12 })
  .map((members) => Object.fromEntries(members))

test('it writes any line like pino-pretty, whatever the options', () => {
  fc.assert(
    fc.property(
      options.map(withoutColour),
      fc.array(
        fc.oneof(
          record.map((members) => JSON.stringify(members)),
          hostileRecord,
        ),
        { maxLength: 6 },
      ),
      (given, lines) => {
        const both = compileBoth(given)
        for (const line of lines) {
          const texts = both(line)
          if (texts) expect(texts.ours).toBe(texts.theirs)
        }
      },
    ),
    { numRuns: 1500 * RUNS },
  )
})

test('it writes any record like pino-pretty, whatever the options', () => {
  fc.assert(
    fc.property(options.map(withoutColour), fc.array(record, { maxLength: 6 }), (given, records) => {
      const both = compileBoth(given)
      for (const members of records) {
        const before = JSON.stringify(members)
        const texts = both(members)
        if (texts) expect(texts.ours).toBe(texts.theirs)
        expect(JSON.stringify(members)).toBe(before)
      }
    }),
    { numRuns: 1000 * RUNS },
  )
})

test('it writes usual records like pino-pretty, whatever the options', () => {
  const usual = fc.record(
    {
      level: fc.constantFrom(10, 20, 30, 40, 50, 60, 35, 'info'),
      time: fc.date({ noInvalidDate: true }).map((date) => date.getTime()),
      pid: fc.nat(),
      hostname: fc.string(),
      name: fc.string(),
      msg: fc.lorem(),
      a: fc.dictionary(fc.lorem({ maxCount: 1 }), scalar, { maxKeys: 4 }),
      err: fc.record({
        type: fc.string(),
        message: fc.lorem(),
        stack: fc.lorem({ mode: 'sentences' }),
        code: scalar,
      }),
      1: scalar,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(options.map(withoutColour), fc.array(usual, { maxLength: 6 }), (given, records) => {
      const both = compileBoth(given)
      for (const members of records) {
        const texts = both(JSON.stringify(members))
        if (texts) expect(texts.ours).toBe(texts.theirs)
      }
    }),
    { numRuns: 1000 * RUNS },
  )
})

test('it renders a safe record of one line like pino-pretty, and any record without changing it', () => {
  const safeOptions = fc.record(
    { singleLine: fc.boolean(), levelFirst: fc.boolean(), colorize: fc.boolean(), ignore: keyList },
    { requiredKeys: ['colorize'] },
  )
  fc.assert(
    fc.property(safeOptions, record, (given, members) => {
      const before = JSON.stringify(members)
      const rendered = createRenderer(given)(members, [])
      expect(JSON.stringify(members)).toBe(before)

      fc.pre(toSafeText(before) === before && !/\\[bfnru]/.test(before) && !isInherited(members))
      const texts = compileBoth(given)(members)
      if (texts) expect(rendered).toBe(texts.theirs)
    }),
    { numRuns: 1000 * RUNS },
  )
})

/** For such a key pino-pretty calls the method that every object has. */
function isInherited(members: object): boolean {
  return Object.keys(members).some((name) => name in Object.prototype)
}
