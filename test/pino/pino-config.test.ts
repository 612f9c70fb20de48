import { expect, test } from 'vitest'
import { readPinoConfig } from '../../src/pino/pino-config.ts'

test('it reads the message that pino sends', () => {
  const config = {
    levels: { labels: { 35: 'audit' }, values: { audit: 35 } },
    messageKey: 'm',
    errorKey: 'e',
  }

  expect(readPinoConfig({ code: 'PINO_CONFIG', config })).toEqual(config)
})

test('it fills in what a message leaves out', () => {
  expect(readPinoConfig({ code: 'PINO_CONFIG', config: {} })).toEqual({
    levels: { labels: {}, values: {} },
    messageKey: 'msg',
    errorKey: 'err',
  })
})

test.each([
  [undefined],
  [null],
  ['text'],
  [{ code: 'FLUSH' }],
  [{ code: 'PINO_CONFIG' }],
  [{ code: 'PINO_CONFIG', config: null }],
])('it ignores %j', (message) => {
  expect(readPinoConfig(message)).toBeUndefined()
})
