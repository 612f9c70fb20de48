import { createHash } from 'node:crypto'
import { toUSVString } from 'node:util'

/** What the streams of one bus are called, and the subjects in them. */
export interface Names {
  /** The stream of the events, and of letters that are replayed. */
  readonly log: string
  /** How far failing events are: what is still to be run, and when it was last tried. */
  readonly notes: string
  readonly dead: string
  /** Events that were published together, until each of them is in the log. */
  readonly batches: string
}

export function namesOf(stream: string): Names {
  return { log: stream, notes: `${stream}-notes`, dead: `${stream}-dead`, batches: `${stream}-batches` }
}

/** `eventsets.event.order.paid`: whoever speaks NATS can listen by name. */
export function eventSubject({ log }: Names, name: string): string {
  return `${log}.event.${writeSubject(name)}`
}

/** The subjects of all events that may match a pattern, and perhaps of some that do not. */
export function patternSubject({ log }: Names, pattern: string): string {
  const segments = pattern === '*' ? ['**'] : pattern.split('.')
  const deep = segments.indexOf('**')
  const known = segments.slice(0, deep === -1 ? undefined : Math.max(0, deep - 1)).map(writeSubject)
  // A ">" stands for at least one segment, and "**" for none as well: the one before it is left to it.
  return [log, 'event', ...known, ...(deep === -1 ? [] : ['>'])].join('.')
}

export function isEventSubject({ log }: Names, subject: string): boolean {
  return subject.startsWith(`${log}.event.`)
}

/** Of letters that are replayed. */
export function againSubject({ log }: Names): string {
  return `${log}.again`
}

export function isAgainSubject(names: Names, subject: string): boolean {
  return subject === againSubject(names)
}

export function letterSubject({ dead }: Names, id: string): string {
  return `${dead}.${token(id)}`
}

/** One for each group and event: a later note takes the place of the one before it. */
export function noteSubject({ notes }: Names, group: string, seq: number): string {
  return `${notes}.${token(group)}.${seq}`
}

export function clockSubject({ notes }: Names): string {
  return `${notes}.clock`
}

/** What the durable consumer of a group is called. */
export function durableOf(group: string): string {
  return `${DURABLE}${token(group)}`
}

export function isDurable(name: string): boolean {
  return name.startsWith(DURABLE)
}

const DURABLE = 'group-'

/** NATS has limits on the length of names, and on that of headers a sensible person has, too. */
const MAX_TOKEN = 180

/**
 * Any text as a part of a subject, a name or a header. Never with a colon in it; nor with a percent sign, since servers
 * of version 2.9 put the name of a consumer into a format, and send out something broken.
 */
export function token(text: string): string {
  const written = encodeURIComponent(toUSVString(text))
    .replace(/[.!'()*~]/g, writeCharacter)
    .replaceAll('%', '=')
  if (written !== '' && written.length <= MAX_TOKEN) return written
  return `=${createHash('sha256').update(text).digest('hex')}`
}

/** A name may have a ">" in it, which is a wildcard in subjects. Stars are left: only patterns have them. */
function writeSubject(name: string): string {
  return name.replace(/[=>]/g, writeCharacter)
}

function writeCharacter(character: string): string {
  return `=${character.charCodeAt(0).toString(16).toUpperCase()}`
}
