import { object, optional } from '../../core/shape.ts'
import type { BusEvent } from '../event.ts'
import { assertOptions, expected, maybeFunction } from '../option-shape.ts'
import { shorten } from './chat-text.ts'
import { type NotifyHandler, type WebhookOptions, type WebhookResult, webhook } from './webhook.ts'

/** What a chat is sent through: that of a webhook, without what the chat itself decides. */
export type ChatTransport = Pick<
  WebhookOptions,
  'url' | 'timeoutMs' | 'maxRedirects' | 'maxAnswerBytes' | 'privateAddresses' | 'lookup'
>

export interface DiscordOptions<Event extends BusEvent = BusEvent> extends ChatTransport {
  /** In Markdown. The name of the event and its source unless given. Cut off after 2000 characters. */
  readonly content?: ((event: Event) => string) | undefined
  /** Who it seems to come from. What the webhook was set up with unless given. */
  readonly username?: string | undefined
}

/** The limit of Discord for a message. */
const MAX_LENGTH = 2000

/**
 * A handler that posts each event to a channel of Discord, by the URL of a webhook of the channel. Nobody is mentioned,
 * whatever the text says.
 *
 * @throws ValidationError with everything that is wrong with the options.
 */
export function discord<Event extends BusEvent = BusEvent>({
  content,
  username,
  ...transport
}: DiscordOptions<Event>): NotifyHandler<Event, WebhookResult> {
  assertOptions('The options of discord are', SHAPE, { content, username })
  return webhook({
    ...transport,
    format: (event) => ({
      content: shorten(String(content?.(event) ?? describe(event)), MAX_LENGTH),
      ...(username === undefined ? {} : { username }),
      allowed_mentions: { parse: [] },
    }),
  })
}

const SHAPE = object({
  content: maybeFunction,
  username: optional(
    expected(
      'a text of 1 to 80 characters',
      (input) => typeof input === 'string' && /^.{1,80}$/su.test(input),
    ),
  ),
})

function describe({ name, source }: BusEvent): string {
  // In a piece of code nothing can be escaped, not even its end.
  const shown = name.includes('`') ? escapeMarkdown(name) : `\`${name}\``
  return `${shown} (${escapeMarkdown(source)})`
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_~|<>[\]()#-]/g, '\\$&')
}
