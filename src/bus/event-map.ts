import type { BusEvent } from './event.ts'

/** The events of a bus: names, and the type of their data. */
export type EventMap = { readonly [name: string]: unknown }

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

/** A pattern, if it matches anything: one that matches no event of the bus is a mistake. */
export type KnownPattern<Events, Pattern extends string> = [MatchingName<Events, Pattern>] extends [never]
  ? never
  : Pattern
