import { createHash } from 'node:crypto'
import type { Issue } from '../../core/issue.ts'
import { isPlainObject, object, optional, type Shape } from '../../core/shape.ts'
import { reasonOf } from '../errors.ts'
import type { BusEvent } from '../event.ts'
import { assertOptions, expected, expectedPrivate, isText, maybeMilliseconds } from '../option-shape.ts'
import { quote } from '../quote.ts'
import { FinalError } from '../retry-advice.ts'
import { untilAborted } from '../until-aborted.ts'
import { NotificationError } from './notification-error.ts'
import type { NotifyHandler } from './webhook.ts'

/** What the sink needs of nodemailer: what `createTransport` gives has it. */
export interface MailTransport {
  sendMail(message: MailMessage): Promise<unknown>
}

/** `ada@example.org`, `Ada <ada@example.org>`, or both parts. Always one address: a comma makes no second one. */
export type MailAddress = string | { readonly name: string; readonly address: string }

type Made<T, Event extends BusEvent> = T | ((event: Event) => T)

export interface EmailOptions<Event extends BusEvent = BusEvent> {
  /** A transport of nodemailer, or what `createTransport` takes: `smtp://mail.example.org`, or an object. */
  readonly transport: MailTransport | string | { readonly [option: string]: unknown }
  readonly from: MailAddress
  readonly to: Made<MailAddress | readonly MailAddress[], Event>
  readonly cc?: Made<MailAddress | readonly MailAddress[], Event> | undefined
  readonly bcc?: Made<MailAddress | readonly MailAddress[], Event> | undefined
  readonly replyTo?: Made<MailAddress, Event> | undefined
  /** One line: what would begin another one becomes a space. */
  readonly subject: Made<string, Event>
  /** At least one of `text` and `html`. */
  readonly text?: Made<string, Event> | undefined
  readonly html?: Made<string, Event> | undefined
  /** For the whole of it, in milliseconds. 60 seconds unless given. */
  readonly timeoutMs?: number | undefined
}

/** What nodemailer is given. */
export interface MailMessage {
  readonly from: Mailbox
  readonly to: Mailbox[]
  readonly cc: Mailbox[]
  readonly bcc: Mailbox[]
  readonly replyTo?: Mailbox | undefined
  readonly subject: string
  readonly text?: string | undefined
  readonly html?: string | undefined
  readonly messageId: string
  readonly headers: { readonly [name: string]: string }
  readonly disableFileAccess: true
  readonly disableUrlAccess: true
}

interface Mailbox {
  readonly name: string
  readonly address: string
}

/**
 * A handler that sends a mail for each event, by nodemailer. All that comes from an event stays in its place: no
 * subject begins a header, and no address becomes two.
 *
 * Several tries of one event have one Message-ID. What a server refuses for good (5xx) is not tried again.
 *
 * @throws ValidationError with everything that is wrong with the options. The handler rejects with NotificationError,
 * or with FinalError where the event makes no mail.
 */
export function email<Event extends BusEvent = BusEvent>(options: EmailOptions<Event>): NotifyHandler<Event> {
  checkOptions(options as unknown as EmailOptions)
  const from = toMailbox(options.from) as Mailbox
  const { timeoutMs = 60_000 } = options
  let transport: Promise<MailTransport> | undefined
  const handler: NotifyHandler<Event> = async (event, context) => {
    const { signal } = context ?? {}
    signal?.throwIfAborted()
    const message = compose(event, from, options as unknown as EmailOptions)
    transport ??= openTransport(options.transport)
    // What could not be loaded once may be there the next time.
    transport.catch(() => {
      transport = undefined
    })
    const opening = transport
    const deliver = async () => {
      const open = await untilAborted(opening, signal)
      return await untilAborted(takeResult(open, message), signal)
    }
    return await inTime(deliver(), timeoutMs)
  }
  return Object.defineProperty(handler, 'name', { value: 'email' })
}

const addresses = expectedPrivate(
  'an address such as "Ada <ada@example.org>", a list of those, or a function that gives one',
  (input) => typeof input === 'function' || ([input].flat().length > 0 && [input].flat().every(toMailbox)),
)
const address = expectedPrivate(
  'an address such as "Ada <ada@example.org>"',
  (input) => toMailbox(input) !== undefined,
)
const madeText = expected(
  'a text or a function that gives one',
  (input) => typeof input === 'function' || isText(input),
)

const SHAPE = object({
  transport: expectedPrivate(
    'a transport of nodemailer, or what its createTransport takes',
    (input) => isText(input) || isPlainObject(input),
  ),
  from: address,
  to: addresses,
  cc: optional(addresses),
  bcc: optional(addresses),
  replyTo: optional(orFunction(address)),
  subject: madeText,
  text: optional(madeText),
  html: optional(madeText),
  timeoutMs: maybeMilliseconds,
})

function orFunction(shape: Shape<unknown>): Shape<unknown> {
  return {
    ...shape,
    check(input, path, report) {
      if (typeof input !== 'function') shape.check(input, path, report)
    },
  }
}

function checkOptions(options: EmailOptions): void {
  const { text, html } = options ?? {}
  const isEmpty = text === undefined && html === undefined
  const message = 'is required, but missing; "html" would do as well'
  const issues: Issue[] = isEmpty ? [{ path: 'text', code: 'missing', message }] : []
  assertOptions('The options of email are', SHAPE, options, issues)
}

function compose(event: BusEvent, from: Mailbox, options: EmailOptions): MailMessage {
  const make = <T>(made: Made<T, BusEvent>): T =>
    typeof made === 'function' ? (made as (event: BusEvent) => T)(event) : made
  const mailboxes = (field: 'to' | 'cc' | 'bcc'): Mailbox[] => {
    const given = options[field]
    return given === undefined ? [] : [make(given)].flat().map((each) => demandMailbox(each, field, event))
  }
  const line = (field: 'subject' | 'text' | 'html'): string | undefined => {
    const given = options[field]
    if (given === undefined) return undefined
    const text = make(given)
    // An object would be read as the path of a file.
    if (typeof text === 'string') return text
    throw new FinalError(`The ${field} of the mail for ${quote(event.name)} is not a text.`)
  }
  const to = mailboxes('to')
  if (to.length === 0) throw new FinalError(`The mail for ${quote(event.name)} is to nobody.`)
  const { replyTo } = options
  return {
    from,
    to,
    cc: mailboxes('cc'),
    bcc: mailboxes('bcc'),
    ...(replyTo === undefined ? {} : { replyTo: demandMailbox(make(replyTo), 'replyTo', event) }),
    subject: oneLine(line('subject') as string),
    text: line('text'),
    html: line('html'),
    messageId: `<${toLocalPart(event.id)}@${from.address.split('@')[1]}>`,
    // So that no absence is reported back to a machine (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** Two ids never make one: what cannot stand in a Message-ID, or on its line, is told by its hash, behind a dot. */
function toLocalPart(id: string): string {
  if (/^[\w-]{1,128}$/.test(id)) return id
  // As UTF-16, in which halves of surrogate pairs differ.
  return `sha256.${createHash('sha256').update(id, 'utf16le').digest('hex')}`
}

function demandMailbox(input: unknown, field: string, { name }: BusEvent): Mailbox {
  const mailbox = toMailbox(input)
  if (mailbox) return mailbox
  throw new FinalError(`"${field}" of the mail for ${quote(name)} is not an address.`, {
    hint: 'Write "ada@example.org" or "Ada <ada@example.org>", and several as a list.',
  })
}

/** What an address is made of here: no comments, no quotes, nothing that any mail server would read as more than one. */
const ADDRESS = /^[^\s@<>()[\],:;\\"\p{C}]{1,64}@[^\s@<>()[\],:;\\"\p{C}]{1,255}$/u

function toMailbox(input: unknown): Mailbox | undefined {
  const { name, address } = isPlainObject(input) ? input : splitAddress(input)
  if (typeof address !== 'string' || !ADDRESS.test(address) || typeof name !== 'string') return undefined
  return { name: oneLine(name), address }
}

function splitAddress(input: unknown): { readonly name?: string; readonly address?: string } {
  if (typeof input !== 'string' || input.length > 1000) return {}
  const named = /^([^<>"]*)<([^<>]*)>$/.exec(input)
  return named ? { name: named[1]?.trim() ?? '', address: named[2] ?? '' } : { name: '', address: input }
}

/** Line breaks and other control characters become spaces. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}

async function openTransport(given: EmailOptions['transport']): Promise<MailTransport> {
  if (typeof given !== 'string' && typeof given['sendMail'] === 'function')
    return given as unknown as MailTransport
  // By a variable, so that no bundler looks for a package that is not installed.
  const name = 'nodemailer'
  try {
    const { createTransport } = (await import(name)) as { createTransport(options: unknown): MailTransport }
    return createTransport(given)
  } catch (error) {
    throw new NotificationError(`No mail can be sent: ${(error as Error).message}`, {
      isRetryable: false,
      hint: 'Install nodemailer, or give "transport" what its createTransport has made.',
      cause: error,
    })
  }
}

/** What is sent later all the same has the Message-ID of its next try. */
function inTime<T>(sent: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new NotificationError(`The mail was not taken within ${timeoutMs} ms.`)),
      timeoutMs,
    )
    sent.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Of several recipients a server may refuse some. Those that it took must not get the mail again. */
async function takeResult(transport: MailTransport, message: MailMessage): Promise<unknown> {
  const result = await send(transport, message)
  const rejected = isPlainObject(result) ? result['rejected'] : undefined
  if (!Array.isArray(rejected) || rejected.length === 0) return result
  throw new NotificationError(`The mail server has refused ${rejected.length} of the recipients of a mail.`, {
    isRetryable: false,
    hint: 'The others have got it, so that it is not sent again.',
  })
}

async function send(transport: MailTransport, message: MailMessage): Promise<unknown> {
  try {
    return await transport.sendMail(message)
  } catch (error) {
    throw toNotificationError(error)
  }
}

function toNotificationError(error: unknown): NotificationError {
  const responseCode = isPlainObject(error) ? error['responseCode'] : undefined
  const reason = reasonOf(error)
  const status = typeof responseCode === 'number' ? responseCode : undefined
  return new NotificationError(`The mail could not be sent: ${oneLine(reason).slice(0, 300)}`, {
    status,
    isRetryable: status === undefined || status < 500,
    cause: error,
  })
}
