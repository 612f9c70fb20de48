import { describe, expect, test } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import type { EventSet } from '../../src/core/event-set.ts'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import { parseTransportOptions as parseAll } from '../../src/pino/options.ts'
import { eventsetsStream, type StreamOptions } from '../../src/pino/stream.ts'
import { orders } from '../fixtures/orders.ts'

const parseTransportOptions = (input: unknown) => parseAll(input).options

/** The issues of wrong options, each as path and message. */
function issuesOf(input: unknown): string[] {
  try {
    parseTransportOptions(input)
  } catch (error) {
    if (error instanceof ValidationError)
      return error.issues.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}

test.each([[undefined], [null], [{}]])('it takes %j for no options', (input) => {
  expect(parseTransportOptions(input)).toEqual({})
})

test('it leaves out what thread-stream and pino put into the options of a single target', () => {
  expect(parseTransportOptions({ $context: {}, pinoWillSendConfig: true, output: 'json' })).toEqual({
    output: 'json',
  })
})

test('it takes levels that pino was given with the transport for custom levels', () => {
  expect(parseTransportOptions({ levels: { audit: 35 } }).customLevels).toMatchObject({ audit: 35, info: 30 })
  expect(parseTransportOptions({ levels: { audit: 35 }, customLevels: 'own:5' }).customLevels).toBe('own:5')
})

test('it takes every option that is documented', () => {
  const options = {
    output: 'pretty',
    markers: 'message',
    markerStyle: 'brackets',
    markersField: 'm',
    ascii: true,
    metadata: true,
    minimumLevel: 'info',
    nestedKey: 'data',
    errorKey: 'err',
    maxLineBytes: 4096,
    colorize: true,
    colorizeObjects: true,
    crlf: false,
    customColors: 'info:blue',
    customLevels: { audit: 35 },
    errorLikeObjectKeys: ['err'],
    errorProps: 'code,detail',
    hideObject: false,
    ignore: 'pid',
    include: 'time',
    levelFirst: true,
    levelKey: 'level',
    levelLabel: 'levelLabel',
    messageFormat: '{msg}',
    messageKey: 'msg',
    singleLine: true,
    timestampKey: 'time',
    translateTime: 'SYS:standard',
    useOnlyCustomProps: false,
    destination: 2,
    append: true,
    mkdir: false,
    sync: true,
    sets: [orders],
    override: false,
  }

  expect(parseTransportOptions(options)).toMatchObject({ ...options, sets: [{ name: 'orders' }] })
})

describe('wrong options', () => {
  test('it names every one of them at once', () => {
    const issues = issuesOf({
      ouput: 'json',
      markers: 'nowhere',
      ascii: 'yes',
      maxLineBytes: 3,
      minimumLevel: {},
      destination: '',
      messageFormat: 5,
    })

    expect(issues.map((issue) => issue.split(':')[0]).sort()).toEqual([
      'ascii',
      'destination',
      'markers',
      'maxLineBytes',
      'messageFormat',
      'minimumLevel',
      'ouput',
    ])
    expect(issues).toContain('ouput: is not a known option; did you mean "output"?')
    expect(issues).toContain('maxLineBytes: the limit is at least 1024 bytes')
  })

  test('it lists what is known when nothing is near', () => {
    expect(issuesOf({ zzzzzzzzzz: 1 })[0]).toMatch(
      /^zzzzzzzzzz: is not a known option; known are append, ascii, /,
    )
  })

  test.each([
    [{ destination: -1 }, 'destination: '],
    [{ destination: 1.5 }, 'destination: '],
    [{ sets: {} }, 'sets: expected a list'],
    [{ sets: [7] }, 'sets[0]: expected an object'],
    [{ sets: ['http'] }, 'sets[0]: expected an object'],
    [{ singleLine: 'true' }, 'singleLine: expected true or false'],
    [{ markers: ['field'] }, 'markers: expected'],
    [{ customColors: ['info:blue'] }, 'customColors: expected a string such as'],
    [{ messageFormat: () => '' }, 'messageFormat: expected a template'],
    [{ ignore: () => '' }, 'ignore: expected a string, got a function'],
  ])('it refuses %j', (input, beginning) => {
    const issues = issuesOf(input)

    expect(issues).toHaveLength(1)
    expect(issues[0]?.startsWith(beginning)).toBe(true)
  })

  test('it gives the issues of a set with the whole path and the nearest name', () => {
    const set = {
      ...orders,
      fieldMappings: [
        { logKey: 'state', mapping: 'state' },
        { logKey: 'x', mapping: 'stat' },
        { logkey: 'y' },
      ],
    }

    expect(issuesOf({ sets: [orders, set], append: 1 })).toEqual(
      expect.arrayContaining([
        'append: expected true or false, got 1',
        'sets[1].fieldMappings[1].mapping: no mapping "stat" in set "orders"; did you mean "state"?',
        'sets[1].fieldMappings[2].logKey: is required, but missing',
        'sets[1].fieldMappings[2].logkey: is not a known key; did you mean "logKey"?',
      ]),
    )
  })

  test('it says whose options they are, in a message of one line each', () => {
    expect(() => parseTransportOptions({ ouput: 1, ascii: 2 })).toThrow(
      /^The options of the eventsets transport are not valid \(2 issues\):\n {2}\S.*\n {2}\S.*$/,
    )
  })
})

describe('wrong options of the stream', () => {
  test('it names every one of them at once, its own too', () => {
    const open = () =>
      eventsetsStream({
        registry: {},
        destination: {},
        ouput: 'json',
        singleLine: 3,
        sets: [],
      } as unknown as StreamOptions)

    expect(open).toThrow(
      expect.objectContaining({
        code: 'EVENTSETS_INVALID_OPTIONS',
        message: expect.stringContaining('The options of eventsetsStream are not valid (5 issues):'),
      }),
    )
    expect(open).toThrow('registry: expected an EventSetRegistry, such as getRegistry()')
    expect(open).toThrow('destination: expected a file descriptor, a path, a URL, or a stream')
    expect(open).toThrow('ouput: is not a known option; did you mean "output"?')
    expect(open).toThrow('singleLine: expected true or false')
  })

  test.each([
    [{ messageFormat: 5 }],
    [{ customPrettifiers: 'x' }],
    [{ destination: -1 }],
    [{ destination: '' }],
  ])('it refuses %j', (input) => {
    expect(() => eventsetsStream(input as unknown as StreamOptions)).toThrow(Object.keys(input)[0])
  })
})

describe('the option sets', () => {
  const owner = { name: 'owner', mappings: [{ name: 'size' }] }
  const user = { name: 'user', fieldMappings: [{ logKey: 'a', mapping: 'size', eventSetName: 'owner' }] }

  test('it takes sets that link to later ones', () => {
    expect(parseTransportOptions({ sets: [user, owner] }).sets?.map(({ name }) => name)).toEqual([
      'user',
      'owner',
    ])
  })

  test('it names every set that cannot be registered, beside the other wrong options', () => {
    const sets = [user, { name: 'http' }, { name: 'twice' }, { name: 'twice' }]

    expect(() => parseTransportOptions({ sets, colorise: true })).toThrowError(
      new RegExp(
        [
          /colorise: is not a known option; did you mean "colorize"\?/,
          /sets\[0\]\.fieldMappings\[0\]\.eventSetName: no event set "owner" is known/,
          /sets\[1\]\.name: an event set "http" is there already/,
          /sets\[3\]\.name: an event set "twice" is there already/,
        ]
          .map(({ source }) => source)
          .join('[^]*'),
      ),
    )
  })
})

describe('what is found where the application is', () => {
  const billing = { name: 'billing', mappings: [{ name: 'size' }] }
  const source = { kind: 'package', package: '@acme/billing', version: '1.0.0', file: '/b.json' } as const
  const registryWith = (set: EventSet) => {
    const registry = createRegistry()
    registry.registerEventSet(set, { source })
    return registry
  }

  test('options in code go before those of the configuration', () => {
    const defaults = { ignore: 'pid', singleLine: true } as const
    const { options, configured } = parseAll(
      { singleLine: false, ignore: undefined },
      { registry: createRegistry(), defaults },
    )

    expect(options).toMatchObject({ ignore: 'pid', singleLine: false })
    expect([...configured]).toEqual(['ignore'])
  })

  test('a set may link to one of a plugin', () => {
    const registry = registryWith(billing)
    const own = {
      name: 'own',
      fieldMappings: [{ logKey: 'a', mapping: 'size', eventSetName: 'billing' }],
    }
    parseAll({ sets: [own] }, { registry, defaults: {} })

    expect(registry.hasEventSet('own')).toBe(true)
  })

  test('a set that has the name of one of a plugin does not keep the application from starting', () => {
    const registry = registryWith(billing)
    const { problems } = parseAll({ sets: [{ name: 'billing' }] }, { registry, defaults: {} })

    expect(problems).toMatchObject([{ code: 'EVENTSETS_ALREADY_EXISTS', step: 'register' }])
    expect(problems[0]?.message).toContain('by @acme/billing 1.0.0')
    expect(registry.getEventSet('billing').mappings).toHaveLength(1)
  })

  test('a set that has the name of one of a plugin replaces it when the option override says so', () => {
    const registry = registryWith(billing)
    const { problems } = parseAll({ sets: [{ name: 'billing' }], override: true }, { registry, defaults: {} })

    expect(problems).toEqual([])
    expect(registry.getEventSet('billing').mappings).toBeUndefined()
  })
})
