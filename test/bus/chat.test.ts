import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { discord, EventBus, slack } from '../../src/bus/index.ts'
import { shorten } from '../../src/bus/notify/chat-text.ts'
import { receive } from './http-receiver.ts'

const allow = { privateAddresses: 'allow' } as const

async function anEvent(data: unknown = {}) {
  return await new EventBus({ source: 'order_service' }).publish('order.paid', data)
}

describe('discord', () => {
  it('posts a message that mentions nobody', async () => {
    const { url, received } = await receive((response) => response.writeHead(204).end())

    await discord({ url, ...allow, username: 'Shop', content: ({ data }) => `**paid** by ${data}` })(
      await anEvent('@everyone'),
    )

    expect(received[0]?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      content: '**paid** by @everyone',
      username: 'Shop',
      allowed_mentions: { parse: [] },
    })
  })

  it('tells name and source where nothing else is wanted, as they are', async () => {
    const { url, received } = await receive()

    await discord({ url, ...allow })(await anEvent())

    expect(JSON.parse(received[0]?.body ?? '').content).toBe('`order.paid` (order\\_service)')
  })

  it('lets no name out of its place', async () => {
    const { url, received } = await receive()
    const event = await new EventBus({ source: '<@1>' }).publish('a`||b||`', {})

    await discord({ url, ...allow })(event)

    expect(JSON.parse(received[0]?.body ?? '').content).toBe('a\\`\\|\\|b\\|\\|\\` (\\<@1\\>)')
  })

  it('cuts off what Discord would refuse', async () => {
    const { url, received } = await receive()

    await discord({ url, ...allow, content: () => '😀'.repeat(1500) })(await anEvent())

    const { content } = JSON.parse(received[0]?.body ?? '')
    expect(content).toBe(`${'😀'.repeat(999)}…`)
  })

  it('waits as long as Discord says, and gives up when the webhook is gone', async () => {
    const { url, received } = await receive((response, count) => {
      if (count === 1) response.writeHead(429, { 'retry-after': '0.02' }).end('{"retry_after":0.02}')
      else response.writeHead(404).end('{"message":"Unknown Webhook"}')
    })
    await using bus = new EventBus()
    bus.on('order.paid', discord({ url, ...allow }), {
      name: 'orders channel',
      retry: { maxAttempts: 5, baseDelayMs: 1 },
    })

    await bus.publish('order.paid', {})
    await bus.idle()

    expect(received).toHaveLength(2)
    expect(await bus.deadLetters.list()).toMatchObject([
      {
        handler: 'orders channel',
        attempts: 2,
        reason: expect.stringContaining('404: {"message":"Unknown Webhook"}'),
      },
    ])
  })

  it('refuses options that are wrong', () => {
    expect(() => discord({ url: 'https://discord.com/api/webhooks/1/x', content: 'text' } as never)).toThrow(
      /content: expected a function/,
    )
    expect(() => discord({ url: 'https://discord.com/', username: '' })).toThrow(/username/)
    expect(() => discord({ url: 'x' })).toThrow(/url/)
    expect(() => discord({ url: 'https://discord.com/', secrt: 1 } as never)).toThrow(/secrt/)
  })
})

describe('slack', () => {
  it('posts a text as it is to be read: nobody is mentioned, and no link hides', async () => {
    const { url, received } = await receive((response) => response.end('ok'))

    await slack({ url, ...allow, text: ({ data }) => `paid by ${data}` })(
      await anEvent('<!channel> <@U1> <https://evil.example|us> & co'),
    )

    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      text: 'paid by &lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|us&gt; &amp; co',
      mrkdwn: false,
      parse: 'none',
      link_names: false,
    })
  })

  it('tells name and source where nothing else is wanted, and cuts off a long text', async () => {
    const { url, received } = await receive()

    await slack({ url, ...allow })(await anEvent())
    await slack({ url, ...allow, text: () => 'x'.repeat(5000) })(await anEvent())

    const [short, long] = received.map(({ body }) => JSON.parse(body).text as string)
    expect(short).toBe('order.paid (order_service)')
    expect(long).toBe(`${'x'.repeat(3999)}…`)
  })

  it('refuses options that are wrong', () => {
    expect(() => slack({ url: 'https://hooks.slack.com/', text: 'text' } as never)).toThrow(
      /text: expected a function/,
    )
  })
})

describe('shorten', () => {
  it('gives at most so many units, never half a character, and all of it where it fits', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 1, max: 40 }),
        (text, maxLength) => {
          const short = shorten(text, maxLength)

          expect(short.length).toBeLessThanOrEqual(maxLength)
          if (text.length <= maxLength) expect(short).toBe(text)
          else {
            expect(short.endsWith('…')).toBe(true)
            expect(text.startsWith(short.slice(0, -1))).toBe(true)
            expect(short).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/)
          }
        },
      ),
    )
  })
})
