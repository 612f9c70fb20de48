import fc from 'fast-check'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import {
  type BusEvent,
  discord,
  type EmailOptions,
  EventBus,
  email,
  isRetryable,
  slack,
  webhook,
} from '../../src/bus/index.ts'
import type { ValidationError } from '../../src/core/errors.ts'
import { closedPort } from './http-receiver.ts'
import { receiveMail } from './smtp-receiver.ts'

const addressed = {
  from: 'Shop <shop@example.org>',
  to: 'ada@example.org',
  subject: 'Paid',
  text: 'Thank you.',
} as const

async function anEvent(data: unknown = {}, id = 'e-1'): Promise<BusEvent> {
  return await new EventBus().publish('order.paid', data, { id })
}

/** What a sending fails with. */
async function failureOf(options: EmailOptions, event?: BusEvent): Promise<Error> {
  return await email(options)(event ?? (await anEvent())).then(
    () => {
      throw new Error('was sent')
    },
    (error) => error,
  )
}

function headersOf(source: string): string[] {
  const [head = ''] = source.split('\n\n')
  return head.replace(/\n[ \t]+/g, ' ').split('\n')
}

describe('email', () => {
  it('sends a mail for each event, through a real server', async () => {
    const { url, mails } = await receiveMail()
    await using bus = new EventBus()
    bus.on(
      'order.paid',
      email({
        transport: url,
        ...addressed,
        to: (event) => (event.data as { email: string }).email,
        bcc: { name: 'Archive', address: 'archive@example.org' },
        replyTo: 'help@example.org',
        subject: ({ data }) => `Order ${(data as { id: number }).id} is paid`,
        html: '<p>Thank you.</p>',
      }),
    )

    const { id } = await bus.publish('order.paid', { id: 7, email: 'ada@example.org' })
    await bus.idle()

    const [mail] = mails
    expect(mail).toMatchObject({
      from: '<shop@example.org>',
      to: ['<ada@example.org>', '<archive@example.org>'],
    })
    expect(headersOf(mail?.source ?? '')).toEqual(
      expect.arrayContaining([
        'From: Shop <shop@example.org>',
        'To: ada@example.org',
        'Reply-To: help@example.org',
        'Subject: Order 7 is paid',
        `Message-ID: <${id}@example.org>`,
        'Auto-Submitted: auto-generated',
      ]),
    )
    expect(mail?.source).toContain('<p>Thank you.</p>')
    expect(mail?.source).not.toContain('archive@example.org')
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it('takes a transport that is there already, and gives what that gives', async () => {
    const transport = createTransport({ jsonTransport: true })

    const sent = await email({ transport, ...addressed })(await anEvent())

    expect(JSON.parse((sent as { message: string }).message)).toMatchObject({
      subject: 'Paid',
      to: [{ address: 'ada@example.org', name: '' }],
    })
  })

  it('lets nothing in an event begin a header, address anybody else, or read a file', async () => {
    const { url, mails } = await receiveMail()
    const send = email({
      transport: url,
      from: 'shop@example.org',
      to: 'ada@example.org',
      subject: ({ data }) => String(data),
      text: ({ data }) => String(data),
      replyTo: ({ data }) => ({ name: String(data), address: 'help@example.org' }),
    })
    const names = new Set<string | undefined>()
    const nasty = fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      'Bcc: eve@example.org',
      '\r\n.\r\n',
      'RCPT TO:<eve@example.org>\r\n',
      ',',
      '"',
      '<eve@example.org>',
      '\0',
      '\u2028',
      '=?utf-8?Q?=0D=0A?=',
      'ö',
      'text',
    )

    await fc.assert(
      fc.asyncProperty(fc.array(nasty, { maxLength: 8 }), fc.string(), async (parts, id) => {
        await send(await anEvent(parts.join(''), id || 'e'))
        const { to, source } = mails.at(-1) ?? { to: [], source: '' }
        for (const line of headersOf(source)) names.add(/^([\w-]+): /.exec(line)?.[1] ?? line)
        expect(to).toEqual(['<ada@example.org>'])
      }),
      { numRuns: 60 },
    )

    expect([...names].sort()).toEqual(
      expect.arrayContaining(['From', 'Subject', 'To', 'Message-ID', 'Reply-To', 'Auto-Submitted']),
    )
    const known = [
      'Auto-Submitted',
      'Content-Transfer-Encoding',
      'Content-Type',
      'Date',
      'From',
      'MIME-Version',
      'Message-ID',
      'Reply-To',
      'Subject',
      'To',
    ]
    expect([...names].filter((name) => !known.includes(name ?? ''))).toEqual([])
  })

  it.each([
    ['two addresses in one', 'ada@example.org, eve@example.org'],
    ['a group', 'all: ada@example.org, eve@example.org;'],
    ['a quoted part', '"eve@example.org> ada"@example.org'],
    ['a line break', 'ada@example.org\r\nBcc: eve@example.org'],
    ['a comment', 'ada(eve@example.org)@example.org'],
    ['two in angles', 'Ada <ada@example.org> <eve@example.org>'],
    ['no address', 'ada'],
    ['nothing', undefined],
    ['a list in a list', ['ada@example.org', ['eve@example.org']]],
  ])('refuses, for good, an address that is %s', async (_, to) => {
    const { url, mails } = await receiveMail()

    const error = await failureOf({ transport: url, ...addressed, to: () => to as string })

    expect(error).toMatchObject({
      code: 'EVENTSETS_FINAL',
      message: '"to" of the mail for "order.paid" is not an address.',
    })
    expect(isRetryable(error)).toBe(false)
    expect(mails).toEqual([])
  })

  it('refuses, for good, a mail to nobody, and a text that is none', async () => {
    const { url } = await receiveMail()
    const text = () => ({ path: '/etc/passwd' }) as unknown as string

    expect(await failureOf({ transport: url, ...addressed, to: () => [] })).toMatchObject({
      isRetryable: false,
    })
    expect(await failureOf({ transport: url, ...addressed, text })).toMatchObject({
      message: 'The text of the mail for "order.paid" is not a text.',
      isRetryable: false,
    })
  })

  it.each([
    ['450 later', 450, true],
    ['421 too many', 421, true],
    ['550 no such user', 550, false],
    ['554 spam', 554, false],
  ])('takes the answer %s for what it is', async (answer, status, isWorthIt) => {
    const { url } = await receiveMail((command) => (command.startsWith('RCPT') ? answer : undefined))

    const error = await failureOf({ transport: url, ...addressed })

    expect(error).toMatchObject({ name: 'NotificationError', code: 'EVENTSETS_NOTIFICATION', status })
    expect(isRetryable(error)).toBe(isWorthIt)
  })

  it('is tried again with the same Message-ID', async () => {
    let tries = 0
    const { url, mails } = await receiveMail((command) =>
      command === '.' && ++tries < 3 ? '451 try again' : undefined,
    )
    await using bus = new EventBus()
    bus.on('order.paid', email({ transport: url, ...addressed }), {
      retry: { maxAttempts: 5, baseDelayMs: 1 },
    })

    await bus.publish('order.paid', {})
    await bus.idle()

    const ids = mails.map(({ source }) => headersOf(source).find((line) => line.startsWith('Message-ID')))
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
    expect(await bus.deadLetters.list()).toEqual([])
  })

  it.each([
    ['signs', ['order:1', 'order/1', 'order_1', 'order.1']],
    ['other letters', ['注文', '返品', '🚚', '__']],
    ['halves of characters', ['a\ud800', 'a\ud801', 'a\ufffd']],
    ['more than a line holds', [`${'x'.repeat(1000)}1`, `${'x'.repeat(1000)}2`]],
  ])('has a Message-ID of its own for each id, with %s', async (_, eventIds) => {
    const found = new Set<string>()
    const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix' })
    const send = email({ transport, ...addressed })

    for (const id of eventIds) {
      const { message } = (await send(await anEvent({}, id))) as { readonly message: Buffer }
      const line = headersOf(message.toString()).find((header) => header.startsWith('Message-ID')) ?? ''
      expect(line).toMatch(/^Message-ID: <[\w.-]{1,128}@example\.org>$/)
      found.add(line)
    }

    expect(found.size).toBe(eventIds.length)
  })

  it('fails, worth another try, when the transport is silent for too long', async () => {
    const transport = { sendMail: () => new Promise<never>(() => {}) }

    const send = email({ transport, ...addressed, timeoutMs: 10 })

    await expect(send(await anEvent())).rejects.toMatchObject({
      name: 'NotificationError',
      message: 'The mail was not taken within 10 ms.',
      isRetryable: true,
    })
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no pool')
      },
    ],
    ['rejects with nothing', () => Promise.reject(null)],
  ])('fails, worth another try, when the transport %s', async (_, sendMail) => {
    const transport = { sendMail: sendMail as () => Promise<unknown> }

    await expect(email({ transport, ...addressed })(await anEvent())).rejects.toMatchObject({
      name: 'NotificationError',
      isRetryable: true,
    })
  })

  it('tells of recipients that were refused, and does not send to the others again', async () => {
    const { url, mails } = await receiveMail((command) => (command.includes('eve') ? '550 no' : undefined))

    const error = await failureOf({
      transport: url,
      ...addressed,
      to: ['ada@example.org', 'eve@example.org'],
    })

    expect(error).toMatchObject({
      message: expect.stringContaining('refused 1 of the recipients'),
      isRetryable: false,
    })
    expect(mails).toHaveLength(1)
  })

  it('fails, worth another try, when no server is there', async () => {
    const error = await failureOf({ transport: `smtp://127.0.0.1:${await closedPort()}`, ...addressed })

    expect(error).toMatchObject({ name: 'NotificationError', isRetryable: true, status: undefined })
  })

  it('ends with the signal of its context', async () => {
    const abort = new AbortController()
    const { url } = await receiveMail((command) => {
      if (command.startsWith('EHLO')) abort.abort(new Error('closing'))
      return undefined
    })
    const send = email({ transport: url, ...addressed })

    await expect(send(await anEvent(), { signal: abort.signal })).rejects.toThrow('closing')
    await expect(send(await anEvent(), { signal: abort.signal })).rejects.toThrow('closing')
  })

  it('knows the data of the events that it is subscribed to', async () => {
    const bus = new EventBus<{ 'order.paid': { readonly email: string } }>()
    const transport = createTransport({ jsonTransport: true })

    bus.on('order.paid', email({ transport, ...addressed, to: ({ data }) => data.email }))
    // @ts-expect-error there is no phone.
    bus.on('order.paid', email({ transport, ...addressed, to: ({ data }) => data.phone }))
    bus.on('order.*', webhook({ url: 'https://example.org', format: ({ data }) => data.email.length }))
    bus.on('order.*', discord({ url: 'https://example.org', content: ({ data }) => data.email }))
    bus.on('order.*', slack({ url: 'https://example.org', text: ({ data }) => data.email }))

    expect(bus.handlers()).toHaveLength(5)
  })

  it('tells everything that is wrong with its options at once', () => {
    const issuesOf = (options: object): string[] => {
      try {
        email(options as EmailOptions)
      } catch (error) {
        return (error as ValidationError).issues.map(({ path }) => path)
      }
      return []
    }

    expect(issuesOf({ from: 'shop', to: [], cc: 'a,b', replyTo: 1, subject: '', atachment: 1 })).toEqual([
      'transport',
      'from',
      'to',
      'cc',
      'replyTo',
      'subject',
      'atachment',
      'text',
    ])
  })
})
