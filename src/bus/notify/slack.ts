import { object } from '../../core/shape.ts'
import type { BusEvent } from '../event.ts'
import { assertOptions, maybeFunction } from '../option-shape.ts'
import { shorten } from './chat-text.ts'
import type { ChatTransport } from './discord.ts'
import { type NotifyHandler, type WebhookResult, webhook } from './webhook.ts'

export interface SlackOptions<Event extends BusEvent = BusEvent> extends ChatTransport {
  /** As it is to be read. The name of the event and its source unless given. Cut off after 4000 characters. */
  readonly text?: ((event: Event) => string) | undefined
}

/** What Slack advises for a text; it cuts off itself after 40000. */
const MAX_LENGTH = 4000

/**
 * A handler that posts each event to a channel of Slack, by the URL of an incoming webhook. The text is plain: `&`, `<`,
 * `>` and `*` are what they are, so that nobody is mentioned and no link hides where it leads, whatever the text says.
 *
 * @throws ValidationError with everything that is wrong with the options.
 */
export function slack<Event extends BusEvent = BusEvent>({
  text,
  ...transport
}: SlackOptions<Event>): NotifyHandler<Event, WebhookResult> {
  assertOptions('The options of slack are', object({ text: maybeFunction }), { text })
  return webhook({
    ...transport,
    format: (event) => ({
      text: escapeText(shorten(String(text?.(event) ?? `${event.name} (${event.source})`), MAX_LENGTH)),
      mrkdwn: false,
      parse: 'none',
      link_names: false,
    }),
  })
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
