import { describe, expect, it } from 'vitest'
import { formatPath } from '../../src/core/issue.ts'
import {
  AlreadyExistsError,
  EventsetsError,
  formatIssue,
  type Issue,
  NotFoundError,
  ValidationError,
} from '../../src/index.ts'

const issues: Issue[] = [
  {
    path: 'fieldMappings[2].mapping',
    code: 'dangling_link',
    message: 'no mapping "stauts" in set "http"; did you mean "status"?',
  },
  { path: '', code: 'type', message: 'expected an object, got 5' },
]

describe.each([
  [
    'AlreadyExistsError',
    new AlreadyExistsError('taken', { existing: 'a', hint: 'rename' }),
    'EVENTSETS_ALREADY_EXISTS',
  ],
  [
    'NotFoundError',
    new NotFoundError('gone', { missing: 'a', nearest: ['b'], hint: 'rename' }),
    'EVENTSETS_NOT_FOUND',
  ],
  [
    'ValidationError',
    new ValidationError('Event set is', issues, { code: 'EVENTSETS_INVALID_EVENT_SET', hint: 'rename' }),
    'EVENTSETS_INVALID_EVENT_SET',
  ],
] as const)('%s', (name, error, code) => {
  it('is an EventsetsError and an Error, with its own name, a permanent code and a hint', () => {
    expect(error).toBeInstanceOf(EventsetsError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name, code, hint: 'rename' })
    expect(String(error)).toMatch(new RegExp(`^${name}: `))
    expect(error.stack).toContain('errors.test.ts')
  })
})

describe('EventsetsError', () => {
  it('keeps its cause', () => {
    const cause = new Error('disk')
    const error = new EventsetsError('cannot read', { code: 'EVENTSETS_INPUT', cause })

    expect(error.cause).toBe(cause)
    expect(error.hint).toBeUndefined()
  })

  it('has no cause unless it was given one', () => {
    expect('cause' in new EventsetsError('x', { code: 'EVENTSETS_INPUT' })).toBe(false)
  })
})

describe('ValidationError', () => {
  const words = { code: 'EVENTSETS_INVALID_EVENT_SET' } as const

  it('has every issue as data, and one line for each in its message, which stands alone', () => {
    const error = new ValidationError('Event set "http" is', issues, words)

    expect(error.issues).toEqual(issues)
    expect(error.message).toBe(
      [
        'Event set "http" is not valid (2 issues):',
        '  fieldMappings[2].mapping: no mapping "stauts" in set "http"; did you mean "status"?',
        '  expected an object, got 5',
      ].join('\n'),
    )
  })

  it('counts one issue in the singular', () => {
    expect(new ValidationError('It is', issues.slice(1), words).message).toContain('not valid (1 issue):')
  })
})

describe('formatIssue', () => {
  it('puts the path before the message, where there is one', () => {
    expect(issues.map(formatIssue)).toEqual([
      'fieldMappings[2].mapping: no mapping "stauts" in set "http"; did you mean "status"?',
      'expected an object, got 5',
    ])
  })
})

describe('formatPath', () => {
  it.each([
    [[], ''],
    [['name'], 'name'],
    [['fieldMappings', 2, 'mapping'], 'fieldMappings[2].mapping'],
    [['ranges', '2xx'], 'ranges["2xx"]'],
    [['when', 'service.name', 0], 'when["service.name"][0]'],
    [['', 'a"b'], '[""]["a\\"b"]'],
    [[0], '[0]'],
  ] as const)('writes %o as %o', (segments, path) => {
    expect(formatPath(segments)).toBe(path)
  })
})
