import { readFileSync } from 'node:fs'
import { AlreadyExistsError, EventsetsError, ValidationError } from '../core/errors.ts'
import { type EventSet, invalidEventSet, parseEventSet } from '../core/event-set.ts'
import { registerEventSets } from '../core/register-sets.ts'
import type { EventSetRegistry } from '../core/registry.ts'
import { createRegistry } from '../discovery/process-registry.ts'

interface SetFile {
  readonly file: string
  readonly set: EventSet
}

/**
 * The built-in sets and those of the given files, which replace built-in ones of the same name.
 *
 * @throws EventsetsError naming every file that cannot be read or holds no valid set.
 */
export function loadRegistry(paths: readonly string[] = []): EventSetRegistry {
  const registry = createRegistry()
  const errors: EventsetsError[] = []
  const byName = new Map<string, SetFile>()
  for (const file of paths) {
    try {
      const set = readEventSet(file)
      const same = byName.get(set.name)
      if (same) throw nameTaken(set.name, same.file, file)
      byName.set(set.name, { file, set })
    } catch (error) {
      errors.push(error as EventsetsError)
    }
  }
  const files = new Map([...byName.values()].map(({ file, set }) => [set, file]))
  for (const [set, error] of registerEventSets(registry, [...files.keys()], { override: true }))
    errors.push(error instanceof ValidationError ? invalidEventSet(set, error.issues, files.get(set)) : error)
  if (errors.length > 0) throw joinErrors(errors)
  return registry
}

function readEventSet(file: string): EventSet {
  const input = parseJson(file, readText(file))
  const parsed = parseEventSet(input)
  if (parsed.success) return parsed.set
  throw invalidEventSet(input, parsed.issues, file)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EACCES: 'permission denied',
      EISDIR: 'it is a directory',
    }
    throw inputError(file, reasons[code] ?? message, cause)
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    // Some editors put a byte order mark in front, which is no JSON.
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch (cause) {
    const { message } = cause as Error
    throw inputError(file, `it is not valid JSON: ${message}${locate(text, message)}`, cause)
  }
}

/** Line and column for an error that only has an offset. */
function locate(text: string, message: string): string {
  const offset = /at position (\d+)/.exec(message)?.[1]
  if (offset === undefined || message.includes('line ')) return ''
  const before = text.slice(0, Number(offset)).split('\n')
  return ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`
}

function inputError(file: string, reason: string, cause: unknown): EventsetsError {
  return new EventsetsError(`cannot read the event set ${JSON.stringify(file)}: ${reason}`, {
    code: 'EVENTSETS_INPUT',
    hint: 'An event set is a JSON file; see eventsets/schema.json for its format.',
    cause,
  })
}

function nameTaken(name: string, first: string, second: string): AlreadyExistsError {
  return new AlreadyExistsError(
    `${JSON.stringify(first)} and ${JSON.stringify(second)} both hold an event set named ${JSON.stringify(name)}.`,
    { existing: name, hint: 'Give one of them another name, or leave one out.' },
  )
}

/** All errors as one, so that everything that is wrong is told at once. */
function joinErrors(errors: readonly EventsetsError[]): EventsetsError {
  const [first] = errors
  if (first && errors.length === 1) return first
  const hints = [...new Set(errors.map(({ hint }) => hint).filter((hint) => hint !== undefined))]
  return new EventsetsError(errors.map(({ message }) => message).join('\n'), {
    code: first?.code ?? 'EVENTSETS_INPUT',
    hint: hints.join('\n'),
    cause: new AggregateError(errors),
  })
}
