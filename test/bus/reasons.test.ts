import { describe, expect, it } from 'vitest'
import { reasonOf } from '../../src/bus/errors.ts'
import { EventBus, type HandlerError } from '../../src/bus/index.ts'

describe('the reason of a failure that is long', () => {
  it('is cut in dead letters, in handler.failed and in messages, and the cause has all of it', async () => {
    const text = 'M'.repeat(5_000_000)
    const errors: Error[] = []
    const failures: string[] = []
    await using bus = new EventBus({ onError: (error) => errors.push(error) })
    bus.on('handler.failed', ({ data }) => void failures.push((data as { error: string }).error))
    bus.on('order.paid', () => {
      throw new Error(text)
    })

    await bus.publish('order.paid', 17)
    await bus.idle()

    const [letter] = await bus.deadLetters.list()
    const cut = `${'M'.repeat(4096)}… (5000000 characters)`
    expect(letter?.reason).toBe(cut)
    expect(failures).toEqual([cut])
    expect(errors[0]?.message.length).toBeLessThan(4300)
    expect(((errors[0] as HandlerError).cause as Error).message).toBe(text)
  })

  it('stays as it is up to 4096 characters, and no character is cut in two', () => {
    expect(reasonOf(new Error('x'.repeat(4096)))).toBe('x'.repeat(4096))

    const cut = reasonOf(new Error(`${'x'.repeat(4095)}🦜${'y'.repeat(10)}`))

    expect(cut).toBe(`${'x'.repeat(4095)}… (4107 characters)`)
  })
})
