export { AlreadyExistsError, EventsetsError, NotFoundError, ValidationError } from '../core/errors.ts'
export { type AuditLogger, type AuditLogOptions, type AuditRecord, auditLog } from './audit-log.ts'
export type {
  BackendFeatures,
  BackendHealth,
  BusBackend,
  Consumer,
  Consumption,
  DeadLetter,
  DeadLetterStore,
  Delivery,
  GroupHealth,
  Outcome,
  ReplayQuery,
  RetryOrder,
} from './backend.ts'
export type { BatchOptions } from './batch.ts'
export { type EmitOptions, EventBus, type HandlerInfo, type PublishEventOptions } from './bus.ts'
export type { BusLogger, EventBusOptions } from './bus-options.ts'
export { type Clock, createSystemClock } from './clock.ts'
export {
  type CloudEvent,
  type CloudEventOptions,
  fromCloudEvent,
  fromHttpMessage,
  type HttpMessage,
  toCloudEvent,
  toHttpMessage,
} from './cloud-event.ts'
export {
  connectHandlers,
  decoratorsFor,
  errorBoundary,
  on,
  type PublishesOptions,
  publishes,
  retry,
  type TypedDecorators,
} from './decorators.ts'
export type { EmitReport, HandlerFailure } from './emit-report.ts'
export {
  changedFields,
  type EntityData,
  type EntityEvent,
  type EntityEventInput,
  type EntityEvents,
  type EntityId,
  entityEvent,
  SYSTEM_USER_ID,
} from './entity-event.ts'
export { type Caught, type ErrorBoundaryOptions, withErrorBoundary } from './error-boundary.ts'
export {
  ConnectionError,
  EventError,
  HandlerError,
  PublishError,
  SerializationError,
} from './errors.ts'
export { type BusEvent, type EventOptions, Priority, type StoredEvent } from './event.ts'
export type {
  EventMap,
  EventName,
  EventsOf,
  InputMap,
  InputsOf,
  MatchingEvent,
  MatchingName,
  MatchingStoredEvent,
} from './event-map.ts'
export type { Filter, FilterData } from './filter.ts'
export type { HandlerContext, Publisher } from './handler-context.ts'
export { HANDLER_FAILED } from './handler-failed.ts'
export type {
  BusHealth,
  CheckOutcome,
  HealthCheck,
  HealthCheckOptions,
  HealthCheckResult,
  HealthOptions,
  HealthRequest,
  HealthStatus,
  HealthThreshold,
} from './health.ts'
export { type HealthHandlerOptions, healthHandler } from './health-http.ts'
export { type HealthMonitor, type HealthMonitorOptions, startHealthMonitor } from './health-monitor.ts'
export type {
  ActionEvents,
  ActionFailure,
  ActionStart,
  ActionSuccess,
  ConnectionEvents,
  HandlerEvents,
  HandlerFailed,
  LifecycleData,
  LifecycleError,
  LifecycleEvents,
  PluginData,
  PluginError,
  PluginEvents,
  PluginInitialized,
  ResourceEvents,
} from './lifecycle.ts'
export { type MemoryBackendOptions, memoryBackend } from './memory-backend.ts'
export {
  type BackendMetrics,
  type BusMetrics,
  DURATION_BOUNDS_MS,
  type DurationMetrics,
  type EventCounts,
  type EventMetrics,
  type HandlerMetrics,
  type MetricsOptions,
} from './metrics.ts'
export { formatMetricsReport, type MetricsReportOptions } from './metrics-report.ts'
export { type DiscordOptions, discord } from './notify/discord.ts'
export {
  type EmailOptions,
  email,
  type MailAddress,
  type MailMessage,
  type MailTransport,
} from './notify/email.ts'
export { NotificationError, type NotificationErrorOptions } from './notify/notification-error.ts'
export type { Lookup, PrivateAddresses } from './notify/post.ts'
export { type VerifiedWebhook, type VerifyWebhookOptions, verifyWebhook } from './notify/signature.ts'
export { type SlackOptions, slack } from './notify/slack.ts'
export { type NotifyHandler, type WebhookOptions, type WebhookResult, webhook } from './notify/webhook.ts'
export {
  loadOpenTelemetry,
  type OpenTelemetryApi,
  type OpenTelemetryAttributes,
  type OpenTelemetryContext,
  type OpenTelemetryMeter,
  type OpenTelemetryObservable,
  type OpenTelemetryOptions,
  type OpenTelemetrySpan,
  type OpenTelemetrySpanContext,
  type OpenTelemetryTracer,
  openTelemetry,
} from './open-telemetry.ts'
export type { OutboxEntry, RelayedOutbox } from './outbox.ts'
export {
  type PostgresClient,
  type PostgresOutbox,
  type PostgresOutboxOptions,
  postgresOutbox,
} from './outbox-postgres.ts'
export { type SqliteOutboxOptions, sqliteOutbox } from './outbox-sqlite.ts'
export { compilePattern } from './pattern.ts'
export { metricsHandler, type PrometheusOptions, prometheusText } from './prometheus.ts'
export { type ActionName, type PublishingOptions, publishing } from './publishing.ts'
export { publishRegistryEvents, type RegistryEventsOptions } from './registry-events.ts'
export { type Relay, type RelayHealth, type RelayOptions, startRelay } from './relay.ts'
export { delayAfter, type RetryPolicy } from './retry.ts'
export { FinalError, isRetryable, type RetryAdvice } from './retry-advice.ts'
export {
  type SqliteBackend,
  type SqliteBackendOptions,
  type SqliteGroup,
  sqliteBackend,
} from './sqlite-backend.ts'
export type { SqliteDriver, SqliteHandle, SqliteStatement } from './sqlite-database.ts'
export { type SqliteTransactionOptions, sqliteTransaction } from './sqlite-transaction.ts'
export { SSE_END, SSE_GAP, type SseEnd, type SseOptions } from './sse.ts'
export type { StandardSchema } from './standard-schema.ts'
export type { EventStream, StreamOptions } from './stream.ts'
export type { Handler, SubscriptionOptions } from './subscription.ts'
export type {
  BusObserver,
  HandlerCall,
  ObservedBus,
  Publication,
  PublishOperation,
  Telemetry,
} from './telemetry.ts'
export type { Outbox, OutboxTarget, TransactionPublisher } from './transaction.ts'
export { type WithRetryOptions, withRetry } from './with-retry.ts'
