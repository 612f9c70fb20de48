import { ValidationError } from '../core/errors.ts'
import { formatPath, type Issue } from '../core/issue.ts'
import { EventError, reasonOf } from './errors.ts'
import { quote, writeOut } from './quote.ts'

/** What zod, valibot, arktype and others have in common: https://standardschema.dev, version 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * Schemas by the names of events: what they take is what publishers give, what they make of it is what handlers get.
 *
 * Both are found from the schemas where they are not given. Where they are, a schema may take more than publishers give.
 */
export type Schemas<Outputs, Inputs> = {
  readonly [Name in keyof Outputs]?: StandardSchema<unknown, Outputs[Name]> | undefined
} & {
  readonly [Name in keyof Inputs]?: TakingSchema<Inputs[Name]> | undefined
}

/** A schema of which the compiler learns what it takes, without holding it against it. */
interface TakingSchema<Input> {
  readonly '~standard': {
    readonly types?: { readonly input: Input } | { readonly input: unknown } | undefined
  }
}

/**
 * Checks data against a schema and gives what the schema makes of it. At once, unless the schema itself waits.
 *
 * @throws ValidationError with every issue; or the promise rejects with it.
 */
export function validate(schema: StandardSchema, data: unknown, name: string): unknown {
  try {
    const result = schema['~standard'].validate(data)
    if (!(result instanceof Promise)) return take(result, name)
    return result.then(
      (each) => take(each, name),
      (error) => rethrow(error, name),
    )
  } catch (error) {
    return rethrow(error, name)
  }
}

/** A schema that fails instead of telling what is wrong: a `refine` that throws, say. */
function rethrow(error: unknown, name: string): never {
  if (error instanceof ValidationError) throw error
  const message = `The schema of the event ${quote(name)} has failed: ${writeOut(reasonOf(error))}`
  throw new EventError(message, {
    code: 'EVENTSETS_INVALID_EVENT',
    hint: 'Nothing was published.',
    cause: error,
  })
}

function take(result: SchemaResult<unknown>, name: string): unknown {
  if (!result.issues) return result.value
  throw new ValidationError(`The data of the event ${quote(name)} is`, result.issues.map(toIssue), {
    code: 'EVENTSETS_INVALID_EVENT',
    hint: 'Nothing was published.',
  })
}

function toIssue({ message, path = [] }: SchemaIssue): Issue {
  const keys = path.map((part) => (typeof part === 'object' ? part.key : part))
  const segments = keys.map((key) => (typeof key === 'number' ? key : String(key)))
  // Schemas quote what they were given.
  return { path: writeOut(formatPath(['data', ...segments])), code: 'format', message: writeOut(message) }
}
