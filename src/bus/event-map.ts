import type { EventBus } from './bus.ts'
import type { BusEvent, StoredEvent } from './event.ts'

/** The events of a bus: names, and the type of their data. */
export type EventMap = { readonly [name: string]: unknown }

/** The events of a bus as its handlers get them: `EventsOf<typeof bus>`. */
export type EventsOf<Bus> = Bus extends EventBus<infer Events, infer _> ? Events : EventMap

/** The events of a bus as its publishers give them, before a schema fills in and changes what it does. */
export type InputsOf<Bus> = Bus extends EventBus<infer _, infer Inputs> ? Inputs : EventMap

/** What a publisher gives: of the same names as the events, whatever a schema makes of it. */
export type InputMap<Events> = { readonly [Name in keyof Events]: unknown }

/** Whether nothing is known about the names. */
type IsOpen<Events> = string extends keyof Events ? true : false

/** The names of events. */
export type EventName<Events> = keyof Events & string

type Split<Text extends string> = Text extends `${infer Head}.${infer Rest}` ? [Head, ...Split<Rest>] : [Text]

/** Whether the segments of a name match those of a pattern. */
type MatchSegments<
  Wanted extends readonly string[],
  Segments extends readonly string[],
> = Wanted extends readonly [infer Want extends string, ...infer Wants extends readonly string[]]
  ? Want extends '**'
    ? MatchSegments<Wants, Segments> extends true
      ? true
      : Segments extends readonly [string, ...infer Rest extends readonly string[]]
        ? MatchSegments<Wanted, Rest>
        : false
    : Segments extends readonly [infer Segment extends string, ...infer Rest extends readonly string[]]
      ? Want extends '*' | Segment
        ? MatchSegments<Wants, Rest>
        : false
      : false
  : Segments extends readonly []
    ? true
    : false

/** The names that a pattern matches: `'user.created' | 'user.deleted'` for `'user.*'`. */
export type MatchingName<Events, Pattern extends string> =
  IsOpen<Events> extends true
    ? string
    : Pattern extends EventName<Events>
      ? Pattern
      : string extends Pattern
        ? EventName<Events>
        : Pattern extends '*' | '**'
          ? EventName<Events>
          : {
              [Name in EventName<Events>]: MatchSegments<Split<Pattern>, Split<Name>> extends true
                ? Name
                : never
            }[EventName<Events>]

/** The events that a pattern matches, as a union that `event.name` tells apart. */
export type MatchingEvent<Events, Pattern extends string> =
  MatchingName<Events, Pattern> extends infer Name
    ? Name extends EventName<Events>
      ? BusEvent<Name, Events[Name]>
      : never
    : never

/** The events that a pattern matches, as backends keep them. */
export type MatchingStoredEvent<Events, Pattern extends string> =
  MatchingName<Events, Pattern> extends infer Name
    ? Name extends EventName<Events>
      ? StoredEvent<Name, Events[Name]>
      : never
    : never

/**
 * A pattern, if it matches anything. One that matches no event of the bus is a mistake, and the compiler says this.
 * Where nothing is written yet, editors offer the names.
 */
export type KnownPattern<Events, Pattern extends string> = [MatchingName<Events, Pattern>] extends [never]
  ? Pattern extends ''
    ? EventName<Events>
    : `"${Pattern}" matches no event of this bus`
  : Pattern
