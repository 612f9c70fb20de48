import type { LogRecord } from 'eventsets'
import { eventSetConformance } from 'eventsets/testing'
import { describe, expect, it } from 'vitest'
import { logged, openPlugin, type Row, words } from '../../../test/plugins/open-plugin.ts'
import { describeLine, describeNames, describeRows } from '../../../test/plugins/plugin-cases.ts'

const plugin = openPlugin('task-queue')
const { set, alone, builtIn, beside, show } = plugin

describe('the set conforms', () => {
  for (const { name, run } of eventSetConformance(set)) it(name, run)
})

const job = { queueQualifiedName: 'bull:mail' }

const rows: Record<string, readonly Row[]> = {
  'the queue or broker': [
    ...words(
      'messaging.system',
      `activemq aws.sns aws_sqs eventgrid eventhubs servicebus gcp_pubsub jms kafka rabbitmq rocketmq pulsar`,
    ),
    ...words('task.system', 'celery rq dramatiq kafka rabbitmq'),
    ['task.system', 'a queue of tomorrow', 'default'],
    ['logger', 'kafkajs', 'kafkajs'],
    ['job.queueQualifiedName', 'bull:mail', 'default'],
    ['job.queueQualifiedName', '{shop}:mail', 'default'],
  ],
  'what is done with a message': [
    ...words('messaging.operation.type', 'create send receive process settle deliver publish'),
    ...words('messaging.operation', 'publish create process receive deliver'),
    ...words(
      'messaging.operation.name',
      `create send publish schedule enqueue receive receive_deferred poll consume peek subscribe process handle
       ack nack reject modack checkpoint complete abandon dead_letter defer`,
    ),
    ...words('messaging.servicebus.disposition_status', 'complete abandon dead_letter defer'),
  ],
  'a message that deletes': [['messaging.kafka.message.tombstone', true, 'true']],
  'where a job is': [
    ...words('task.status', 'submitted received started progress retrying success failure revoked'),
    ...words('task.status', 'PENDING RECEIVED STARTED SUCCESS FAILURE REVOKED REJECTED RETRY IGNORED'),
    ...words(
      'task.status',
      'waiting active completed failed delayed prioritized waiting-children paused stalled progress drained',
    ),
    ...words('task.status', 'resumed ready closing closed error added removed cleaned retries-exhausted'),
    ...words('task.status', 'deduplicated duplicated'),
    ...words('task.status', 'created retry active completed cancelled canceled failed skipped'),
    ...words('cicd.pipeline.result', 'success failure error timeout cancellation skip'),
    ...words('cicd.pipeline.task.run.result', 'success failure error timeout cancellation skip'),
    ...words('cicd.pipeline.run.state', 'pending executing finalizing'),
    ...words('deployment.status', 'failed succeeded'),
    ['cicd.worker.state', 'offline', 'offline'],
  ],
  'a job of BullMQ': [
    ['job.finishedOn', 1795262400000, 'finished', { job }],
    ['job.finishedOn', 1795262400000, 'failed', { job, err: { type: 'Error' } }],
    ['job.failedReason', 'SMTP down', 'default', { job, err: { type: 'Error' } }],
    ['job.attemptsStarted', 1, 'running', { job, err: { type: 'Error' } }],
    ['job.attemptsStarted', 2, 'again', { job }],
    ['job.stalledCounter', 1, 'stalled', { job }],
    ['failedReason', 'SMTP down', 'default', { jobId: '7', prev: 'active' }],
  ],
  'not for the first time': [
    ['messaging.servicebus.message.delivery_count', 2, 'again'],
    ['messaging.gcp_pubsub.message.delivery_attempt', 5, 'again'],
    ['task.retries', 1, 'retried', { 'task.status': 'success' }],
    ['retryCount', 3, 'retried', { logger: 'kafkajs' }],
  ],
  'errors of Kafka': [
    ...(
      [
        [-1, 'unknown_server_error'],
        [1, 'offset_out_of_range'],
        [2, 'corrupt_message'],
        [3, 'unknown_topic_or_partition'],
        [4, 'invalid_fetch_size'],
        [5, 'leader_not_available'],
        [6, 'not_leader_for_partition'],
        [7, 'request_timed_out'],
        [8, 'broker_not_available'],
        [9, 'replica_not_available'],
        [10, 'message_too_large'],
        [12, 'offset_metadata_too_large'],
        [13, 'network_exception'],
        [14, 'group_load_in_progress'],
        [15, 'group_coordinator_not_available'],
        [16, 'not_coordinator_for_group'],
        [17, 'invalid_topic'],
        [18, 'record_list_too_large'],
        [19, 'not_enough_replicas'],
        [20, 'not_enough_replicas'],
        [22, 'illegal_generation'],
        [25, 'unknown_member_id'],
        [27, 'rebalance_in_progress'],
        [29, 'topic_authorization_failed'],
        [30, 'group_authorization_failed'],
        [31, 'cluster_authorization_failed'],
        [33, 'unsupported_sasl_mechanism'],
        [35, 'unsupported_version'],
        [36, 'topic_already_exists'],
        [37, 'invalid_config'],
        [40, 'invalid_config'],
        [41, 'not_controller'],
        [42, 'invalid_request'],
        [44, 'policy_violation'],
        [45, 'out_of_order_sequence_number'],
        [46, 'duplicate_sequence_number'],
        [47, 'fenced_producer'],
        [52, 'transaction_coordinator_fenced'],
        [53, 'transactional_id_authorization_failed'],
        [56, 'kafka_storage_error'],
        [58, 'sasl_authentication_failed'],
        [59, 'unknown_producer_id'],
        [60, 'reassignment_in_progress'],
        [66, 'delegation_token_expired'],
        [68, 'non_empty_group'],
        [69, 'group_id_not_found'],
        [76, 'unsupported_compression_type'],
        [79, 'member_id_required'],
        [82, 'fenced_instance_id'],
        [74, 'default'],
      ] as const
    ).map(([code, key]): Row => ['err.code', code, key, { err: { name: 'KafkaJSProtocolError' } }]),
    ...words(
      'err.name',
      `KafkaJSNumberOfRetriesExceeded KafkaJSConnectionClosedError KafkaJSRequestTimeoutError KafkaJSTimeout
       KafkaJSLockTimeout KafkaJSSASLAuthenticationError KafkaJSBrokerNotFound KafkaJSNoBrokerAvailableError
       KafkaJSGroupCoordinatorNotFound KafkaJSMetadataNotLoaded KafkaJSTopicMetadataNotLoaded KafkaJSNotImplemented
       KafkaJSServerDoesNotSupportApiKey KafkaJSUnsupportedMagicByteInMessageSet`,
    ),
  ],
  'errors of RabbitMQ': (
    [
      [311, 'content_too_large'],
      [312, 'no_route'],
      [313, 'no_consumers'],
      [320, 'connection_forced'],
      [402, 'invalid_path'],
      [403, 'access_refused'],
      [404, 'not_found'],
      [405, 'resource_locked'],
      [406, 'precondition_failed'],
      [501, 'protocol_error'],
      [502, 'protocol_error'],
      [503, 'protocol_error'],
      [504, 'protocol_error'],
      [505, 'protocol_error'],
      [506, 'resource_error'],
      [530, 'not_allowed'],
      [540, 'not_implemented'],
      [541, 'internal_error'],
    ] as const
  ).map(
    ([code, key]): Row => [
      'err.code',
      code,
      key,
      { err: { message: `Channel closed by server: ${code} (X)` } },
    ],
  ),
  'a long time': [
    ['messaging.process.duration', 10, 'slow'],
    ['messaging.process.duration', 60, 'very_slow'],
    ['duration_ms', 10_000, 'slow', { 'task.status': 'success' }],
    ['duration', 60_000, 'very_slow', { 'task.name': 'mail' }],
    ['durationMs', 12_000, 'slow', { 'task.system': 'celery' }],
    ['elapsedMs', 12_000, 'slow', { job }],
    ['messaging.client.operation.duration', 1, 'slow', { 'messaging.operation.type': 'send' }],
    ['messaging.client.operation.duration', 5, 'very_slow', { 'messaging.operation.type': 'settle' }],
    ['messaging.publish.duration', 1, 'slow'],
  ],
}

describeRows(plugin, rows)

describe('records of BullMQ', () => {
  /** What pino makes of a job in an event of a worker: the fields that toJSON() leaves. */
  const jobOf = (fields: object) => ({
    name: 'welcome',
    data: { to: 'ada@example.org' },
    opts: { attempts: 3 },
    id: '1',
    progress: 0,
    returnvalue: null,
    stacktrace: [],
    delay: 0,
    priority: 0,
    attemptsStarted: 1,
    attemptsMade: 0,
    stalledCounter: 0,
    timestamp: 1795286614251,
    queueQualifiedName: 'bull:mail',
    processedOn: 1795286614275,
    token: '94f99c51:0',
    ...fields,
  })
  const err = new Error('SMTP down')
  const failedReason = 'SMTP down'
  const finishedOn = 1795286614287

  it.each<[string, object, string]>([
    ['active', { job: jobOf({}) }, '[🐂]'],
    ['completed', { job: jobOf({ attemptsMade: 1, finishedOn, returnvalue: { sent: 1 } }) }, '[🐂][✅]'],
    ['failed, to be tried again', { job: jobOf({ attemptsMade: 1, failedReason }), err }, '[🐂][🔁]'],
    ['failed for good', { job: jobOf({ attemptsMade: 1, failedReason, finishedOn }), err }, '[🐂][❌]'],
    [
      'failed for good, at the last of many attempts',
      { job: jobOf({ attemptsStarted: 3, attemptsMade: 3, failedReason, finishedOn }), err },
      '[🐂][❌]',
    ],
    [
      'failed for the second time',
      { job: jobOf({ attemptsStarted: 2, attemptsMade: 2, failedReason }), err },
      '[🐂][🔁]',
    ],
    ['active again', { job: jobOf({ attemptsStarted: 2, attemptsMade: 1, failedReason }) }, '[🐂][🔁]'],
    [
      'completed in the end',
      {
        job: jobOf({
          attemptsStarted: 2,
          attemptsMade: 2,
          failedReason,
          finishedOn,
          returnvalue: { sent: 1 },
        }),
      },
      '[🐂][🔁]',
    ],
    [
      'lost by a worker, and taken up again',
      { job: jobOf({ attemptsStarted: 2, stalledCounter: 1 }) },
      '[🐂][🔁][🧊]',
    ],
    ['a warning while it runs', { job: jobOf({}), err }, '[🐂][🏃]'],
    ['the event "failed" of a queue', { jobId: '1', failedReason, prev: 'active' }, '[❌]'],
    ['a failure that is not of a queue', { failedReason }, ''],
  ])('%s', (_, fields, markers) => {
    expect(show(logged(fields, 'job'))).toBe(markers)
  })

  it('adds what became of the job', () => {
    const completed = logged({ job: jobOf({ attemptsMade: 1, finishedOn }) })
    const failed = logged({ job: jobOf({ attemptsMade: 1, failedReason, finishedOn }), err })

    expect({ ...alone.enrich(completed).metadata }).toEqual({
      'task.broker': 'redis',
      'task.state': 'completed',
      'task.success': true,
    })
    expect({ ...alone.enrich(failed).metadata }).toEqual({
      'task.broker': 'redis',
      'task.state': 'failed',
      'task.success': false,
    })
  })
})

describe('records of kafkajs', () => {
  const error = (type: string, message: string, fields: object) =>
    logged(Object.assign(new (named(type))(message), { name: type, retriable: false, ...fields }))
  const gaveUp = 'Connection error: connect ECONNREFUSED 127.0.0.1:9092'

  it.each<[string, LogRecord, string]>([
    [
      'its own log, by way of a logCreator',
      logged(
        { namespace: 'Connection', logger: 'kafkajs', broker: '127.0.0.1:9092', clientId: 'shop' },
        gaveUp,
      ),
      '[🌊]',
    ],
    [
      'a first attempt',
      logged({ namespace: 'BrokerPool', logger: 'kafkajs', retryCount: 0, retryTime: 300 }),
      '[🌊]',
    ],
    [
      'a further attempt',
      logged({ namespace: 'BrokerPool', logger: 'kafkajs', retryCount: 2, retryTime: 900 }),
      '[🌊][🔁]',
    ],
    ['a rebalance', error('KafkaJSProtocolError', 'The group is rebalancing', { code: 27 }), '[🔄]'],
    ['no such topic', error('KafkaJSProtocolError', 'This server does not host', { code: 3 }), '[👻]'],
    [
      'an error with a class of its own',
      error('KafkaJSOffsetOutOfRange', '…', { code: 1, topic: 't', partition: 0 }),
      '[📏]',
    ],
    [
      'a topic that is there already',
      error('KafkaJSCreateTopicError', '…', { code: 36, topic: 't' }),
      '[👥]',
    ],
    [
      'a request without an answer',
      error('KafkaJSRequestTimeoutError', 'Request Produce timed out', {}),
      '[⏰]',
    ],
    ['a wrong password', error('KafkaJSSASLAuthenticationError', 'SASL PLAIN failed', {}), '[🔑]'],
    [
      'given up, and why',
      error('KafkaJSNumberOfRetriesExceeded', gaveUp, { retryCount: 5, retryTime: 9 }),
      '[🛑][🙅]',
    ],
    ['refused', error('KafkaJSConnectionError', gaveUp, { code: 'ECONNREFUSED', broker: 'b' }), '[🙅]'],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('records of amqplib', () => {
  const error = (message: string, fields: object) => logged(Object.assign(new Error(message), fields))
  const closed = 'Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no queue \'mail\'"'
  const failed = 'Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "…"'
  const ended = 'Connection closed: 320 (CONNECTION-FORCED) with message "…"'

  it.each<[string, LogRecord, string]>([
    ['no such queue', error(closed, { code: 404, classId: 60, methodId: 20 }), '[👻]'],
    ['a queue declared otherwise', error(failed, { code: 406, classId: 50, methodId: 10 }), '[❌]'],
    ['an operator closed the connection', error(ended, { code: 320 }), '[💔]'],
    ['refused', error('connect ECONNREFUSED 127.0.0.1:5672', { code: 'ECONNREFUSED' }), '[🙅]'],
    ['the same number in another error', error('Not Found', { code: 404 }), ''],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('one meaning', () => {
  it.each<[string, LogRecord]>([
    [
      '[🌊][📤]',
      {
        'messaging.system': 'kafka',
        'task.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.operation': 'publish',
      },
    ],
    [
      '[🐇][🙅]',
      {
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'nack',
        'messaging.operation.type': 'settle',
      },
    ],
    [
      '[🚌][💀]',
      {
        'messaging.system': 'servicebus',
        'messaging.servicebus.disposition_status': 'dead_letter',
        'messaging.operation.name': 'dead_letter',
        'messaging.operation.type': 'settle',
      },
    ],
    ['[🥕][🔁]', { 'task.system': 'celery', 'task.status': 'RETRY', 'task.retries': 2 }],
    ['[🥕][✅][🔁]', { 'task.system': 'celery', 'task.status': 'SUCCESS', 'task.retries': 2 }],
    [
      '[✅]',
      {
        'cicd.pipeline.task.run.result': 'success',
        'cicd.pipeline.result': 'success',
        'cicd.pipeline.run.state': 'finalizing',
      },
    ],
    [
      '[🔁]',
      {
        'messaging.servicebus.message.delivery_count': 2,
        'messaging.gcp_pubsub.message.delivery_attempt': 2,
      },
    ],
  ])('shows as %s, however many names it has', (markers, record) => {
    expect(show(record)).toBe(markers)
  })
})

describe('metadata', () => {
  const ofStatus = (status: string) => ({ ...alone.enrich({ 'task.status': status }).metadata })

  it.each<[string, object]>([
    ['celery', { 'task.broker': 'celery' }],
    ['rq', { 'task.broker': 'redis' }],
    ['dramatiq', { 'task.broker': 'dramatiq' }],
    ['kafka', { 'task.broker': 'kafka', 'task.streaming': true }],
    ['rabbitmq', { 'task.broker': 'amqp' }],
  ])('of the system %s is %j', (system, metadata) => {
    expect({ ...alone.enrich({ 'task.system': system }).metadata }).toEqual(metadata)
  })

  it.each<[string, object]>([
    ['submitted', { 'task.state': 'pending' }],
    ['received', { 'task.state': 'pending' }],
    ['started', { 'task.state': 'active' }],
    ['progress', { 'task.state': 'active' }],
    ['retrying', { 'task.state': 'retry' }],
    ['success', { 'task.state': 'completed', 'task.success': true }],
    ['failure', { 'task.state': 'failed', 'task.success': false }],
    ['revoked', { 'task.state': 'cancelled' }],
  ])('of the status %s is %j', (status, metadata) => {
    expect(ofStatus(status)).toEqual(metadata)
  })

  it.each([
    ['COMPLETED', 'success'],
    ['succeeded', 'success'],
    ['failed', 'failure'],
    ['RETRY', 'retrying'],
    ['cancelled', 'revoked'],
    ['active', 'started'],
    ['waiting', 'submitted'],
  ])('of the status %s is that of %s', (status, same) => {
    expect(ofStatus(status)).toEqual(ofStatus(same))
  })
})

describe('what is normal or already visible stays quiet', () => {
  it.each<[string, unknown]>([
    ['messaging.destination.name', 'orders'],
    ['messaging.message.id', '7'],
    ['messaging.message.conversation_id', '7'],
    ['messaging.consumer.group.name', 'billing'],
    ['messaging.batch.message_count', 100],
    ['messaging.destination.partition.id', '1'],
    ['messaging.kafka.offset', 42],
    ['messaging.kafka.message.tombstone', false],
    ['messaging.operation.name', 'an operation of tomorrow'],
    ['messaging.servicebus.message.delivery_count', 1],
    ['messaging.gcp_pubsub.message.delivery_attempt', 1],
    ['messaging.process.duration', 9.9],
    ['messaging.client.operation.duration', 20],
    ['cicd.worker.state', 'available'],
    ['cicd.worker.state', 'busy'],
    ['task.name', 'send_mail'],
    ['task.id', '7'],
    ['task.queue_name', 'default'],
    ['task.retries', 0],
    ['task.status', 'a status of tomorrow'],
    ['logger', 'app'],
    ['retryCount', 3],
    ['jobId', '7'],
    ['job.name', 'welcome'],
    ['job.finishedOn', 1795262400000],
    ['err.code', 27],
    ['err.code', 404],
    ['err.name', 'KafkaJSConnectionError'],
  ])('%s %j', (logKey, value) => {
    const { markers, metadata } = beside.enrich({ [logKey]: value })

    expect(markers).toEqual([])
    expect(metadata).toBeUndefined()
  })

  it('calls three seconds slow of anything but a job', () => {
    expect(show({ duration_ms: 3000 })).toBe('[🐢]')
    expect(show({ duration_ms: 3000, 'task.status': 'success' })).toBe('[✅]')
  })

  it('expects no one to receive a message that is not there', () => {
    expect(show({ 'messaging.operation.type': 'receive', 'messaging.client.operation.duration': 20 })).toBe(
      '[📥]',
    )
  })
})

describe('beside the built-in sets', () => {
  it.each<[string, LogRecord]>([
    [
      'a request',
      { req: { method: 'GET' }, res: { statusCode: 200 }, responseTime: 1200, msg: 'request completed' },
    ],
    ['a query', { 'db.system.name': 'redis', 'db.operation.name': 'XADD', duration_ms: 1200 }],
    ['an error of the database', { err: { type: 'DatabaseError', code: '23505' } }],
    ['an error of MongoDB', { err: { type: 'MongoServerError', code: 11000 } }],
    ['an error of the platform', { err: { type: 'Error', code: 'ECONNREFUSED' } }],
    ['a time that is over', { err: { type: 'TimeoutError', name: 'TimeoutError', code: 23 } }],
    ['a process', { signal: 'SIGTERM', exitCode: 1 }],
    ['an action', { domain: 'task', action: 'process', status: 'success', duration_ms: 6000 }],
  ])('%s looks as it did', (_, record) => {
    expect(beside.enrich(record)).toEqual(builtIn.enrich(record))
    expect(show(record)).not.toBe('')
  })
})

/** An error class of a library that is not installed here; pino writes its name into err.type. */
function named(name: string): ErrorConstructor {
  return { [name]: class extends Error {} }[name] as unknown as ErrorConstructor
}

describe('the README', () => {
  describeNames(plugin)
  describeLine(plugin)
})
