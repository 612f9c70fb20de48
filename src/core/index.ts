export {
  type AppliedMarker,
  createEnricher,
  type Enricher,
  type EnricherOptions,
  type Enrichment,
  type LogRecord,
} from './enricher.ts'
export {
  AlreadyExistsError,
  type ErrorCode,
  EventsetsError,
  NotFoundError,
  ValidationError,
} from './errors.ts'
export {
  defineEventSet,
  type EventMapping,
  type EventSet,
  type FieldMapping,
  type ParsedEventSet,
  parseEventSet,
} from './event-set.ts'
export { formatIssue, type Issue, type IssueCode } from './issue.ts'
export { formatMarkers, type MarkerStyle, prefixMessage } from './message.ts'
export type { Problem, ProblemCode, ProblemStep } from './problem.ts'
export { EventSetRegistry, type RegisterOptions, type RegistryEvents } from './registry.ts'
export { type EventSetSource, formatSource } from './source.ts'
export type { Transformation, TransformationName } from './transformation.ts'
