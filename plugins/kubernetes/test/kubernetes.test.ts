import type { LogRecord } from 'eventsets'
import { eventSetConformance } from 'eventsets/testing'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { openPlugin, type Row, words } from '../../../test/plugins/open-plugin.ts'
import { describeNames } from '../../../test/plugins/plugin-cases.ts'

const plugin = openPlugin('kubernetes')
const { set, alone, builtIn, beside, show } = plugin

describe('what every event set has to keep to', () => {
  for (const { name, run } of eventSetConformance(set)) it(name, run)
})

const rows: Record<string, readonly Row[]> = {
  'the phase of a pod': [
    ...words('k8s.pod.status.phase', 'Pending Succeeded Failed Unknown'),
    ...words('kubernetes.pod.status.phase', 'Pending Succeeded Failed Unknown'),
    ...words('status.phase', 'Pending Succeeded Failed Unknown', { status: { qosClass: 'BestEffort' } }),
  ],
  'why a pod is in its phase': [
    ...words('k8s.pod.status.reason', 'Evicted NodeAffinity NodeLost Shutdown UnexpectedAdmissionError'),
    ...words('k8s.pod.status.reason', 'Terminated Preempting DeadlineExceeded'),
    ...words('k8s.pod.status.reason', 'OutOfcpu OutOfmemory OutOfpods OutOfephemeral-storage'),
    ...words('status.reason', 'Evicted Shutdown', { status: { qosClass: 'Burstable' } }),
  ],
  'the state of a container': [
    ...words('k8s.container.status.state', 'waiting terminated'),
    ...words('kubernetes.container.status.phase', 'waiting terminated'),
  ],
  'why a container is in its state': [
    ...words(
      'k8s.container.status.reason',
      `ContainerCreating CrashLoopBackOff CreateContainerConfigError ErrImagePull ImagePullBackOff OOMKilled
       Completed Error ContainerCannotRun`,
    ),
    ...words(
      'k8s.container.status.reason',
      `PodInitializing ErrImageNeverPull ImageInspectError RegistryUnavailable InvalidImageName
       CreateContainerError RunContainerError StartError Unknown PreStartHookError PostStartHookError DeadlineExceeded
       ContainerStatusUnknown`,
    ),
    ...words('kubernetes.container.status.reason', 'CrashLoopBackOff OOMKilled Completed Error'),
  ],
  'how often a container was started again': [
    ['k8s.container.restart_count', 1, 'restarted'],
    ['k8s.container.restart_count', 40, 'restarted'],
    ['kubernetes.container.status.restarts', 3, 'restarted'],
  ],
  'the condition of a node': [
    ['k8s.node.condition.type', 'Ready', 'default', { 'k8s.node.condition.status': 'false' }],
    ['k8s.node.condition.type', 'Ready', 'default', { 'k8s.node.condition.status': 'unknown' }],
    ...words('k8s.node.condition.type', 'DiskPressure MemoryPressure PIDPressure NetworkUnavailable', {
      'k8s.node.condition.status': 'true',
    }),
    ['k8s.node.condition.type', 'DiskPressure', 'default', { 'k8s.node.condition.status': 'Unknown' }],
  ],
  'the phase of a namespace': [
    ['k8s.namespace.phase', 'terminating', 'terminating'],
    ['status.phase', 'Terminating', 'terminating', { kind: 'Namespace' }],
  ],
  'the phase of a volume or a claim': [
    ...words('k8s.persistentvolumeclaim.status.phase', 'Lost Pending'),
    ...words('kubernetes.persistentvolumeclaim.phase', 'Lost Pending'),
    ...words('k8s.persistentvolume.status.phase', 'Failed Pending Released'),
    ...words('kubernetes.persistentvolume.phase', 'Failed Pending Released'),
    ...words('status.phase', 'Lost Pending', { kind: 'PersistentVolumeClaim' }),
    ...words('status.phase', 'Failed Released', { kind: 'PersistentVolume' }),
  ],
  'the reason of an event': [
    ...words(
      'k8s.event.reason',
      `Started Starting Killing BackOff Unhealthy Failed Evicted Preempting Preempted TaintManagerEviction
       ExceededGracePeriod FailedScheduling NodeReady NodeNotReady NodeSchedulable NodeNotSchedulable Rebooted
       SandboxChanged FailedCreatePodSandBox NetworkNotReady InspectFailed ErrImageNeverPull SystemOOM OOMKilling
       EvictionThresholdMet NodeHasInsufficientMemory NodeHasDiskPressure NodeHasInsufficientPID
       FreeDiskSpaceFailed ImageGCFailed ContainerGCFailed InvalidDiskCapacity FailedMount FailedAttachVolume
       FailedBinding ProvisioningFailed ScalingReplicaSet SuccessfulRescale DeploymentRollback SuccessfulCreate
       SuccessfulDelete FailedCreate FailedDelete Completed SawCompletedJob BackoffLimitExceeded DeadlineExceeded
       MissSchedule WaitForFirstConsumer FailedPreStopHook`,
    ),
    ...words('kubernetes.event.reason', 'BackOff Killing'),
    ...words('reason', 'BackOff Killing', { involvedObject: { kind: 'Pod' } }),
    ...words('reason', 'BackOff Killing', { regarding: { kind: 'Pod' } }),
    ['reason', 'Brewing', 'warning', { type: 'Warning', involvedObject: { kind: 'Teapot' } }],
    ['reason', 'Brewing', 'warning', { type: 'Warning', regarding: { kind: 'Teapot' } }],
    ['kubernetes.event.reason', 'Brewing', 'warning', { kubernetes: { event: { type: 'Warning' } } }],
  ],
  'the answer of the API': [
    ['err.code', 404, '404', { err: { type: 'ApiException' } }],
    ['err.code', 401, '401', { err: { type: 'ApiException' } }],
    ['err.code', 403, '403', { err: { type: 'ApiException' } }],
    ['err.code', 409, '409', { err: { type: 'ApiException' } }],
    ['err.code', 410, '410', { err: { type: 'ApiException' } }],
    ['err.code', 415, '4xx', { err: { type: 'ApiException' } }],
    ['err.code', 422, '422', { err: { type: 'ApiException' } }],
    ['err.code', 429, '429', { err: { type: 'ApiException' } }],
    ['err.code', 500, '5xx', { err: { type: 'ApiException' } }],
    ['err.code', 503, '503', { err: { type: 'ApiException' } }],
    ['err.code', 504, '504', { err: { type: 'ApiException' } }],
    ...words(
      'err.body.reason',
      `Unauthorized Forbidden NotFound AlreadyExists Conflict Gone Invalid ServerTimeout StorageReadError Timeout
       TooManyRequests BadRequest MethodNotAllowed NotAcceptable RequestEntityTooLarge UnsupportedMediaType
       InternalError Expired ServiceUnavailable`,
      { err: { type: 'ApiException' } },
    ),
    [
      'err.body.reason',
      'NotFound',
      'notfound',
      { err: { type: 'HttpError', message: 'HTTP request failed' } },
    ],
    ['err.statusCode', 404, '404', { err: { type: 'HttpError', message: 'HTTP request failed' } }],
  ],
}

describe.each(Object.entries(rows))('%s', (_, cases) => {
  const shown = cases.map(([logKey, value, key, others]) => ({ logKey, value, key, others }))

  it.each(shown)('$logKey $value is $key', ({ logKey, value, key, others }) => {
    const { markers } = alone.enrich({ ...others, [logKey]: value })

    expect(markers.map((marker) => [marker.key, marker.logKey])).toEqual([[key, logKey]])
  })
})

describe('a watch', () => {
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web', namespace: 'shop' } }

  it.each<[string, LogRecord, string]>([
    ['a pod is new', { type: 'ADDED', object: { ...pod, status: { phase: 'Pending' } } }, '[🆕][📦][⏳]'],
    ['it runs', { type: 'MODIFIED', object: { ...pod, status: { phase: 'Running' } } }, '[🔄][📦]'],
    [
      'it is evicted',
      { type: 'MODIFIED', object: { ...pod, status: { phase: 'Failed', reason: 'Evicted' } } },
      '[🔄][📦][🚪]',
    ],
    ['it is gone', { type: 'DELETED', object: { ...pod, status: { phase: 'Failed' } } }, '[🚮][📦][❌]'],
    ['a deployment', { type: 'MODIFIED', object: { kind: 'Deployment', status: {} } }, '[🔄][🚢]'],
    ['a service', { type: 'ADDED', object: { kind: 'Service' } }, '[🆕][🔗]'],
    ['an ingress', { type: 'ADDED', object: { kind: 'Ingress' } }, '[🆕][🌐]'],
    ['a kind of someone else', { type: 'ADDED', object: { kind: 'Certificate' } }, '[🆕]'],
    [
      'a namespace goes away',
      { type: 'MODIFIED', object: { kind: 'Namespace', status: { phase: 'Terminating' } } },
      '[🔄][🛑]',
    ],
    [
      'a claim has lost its volume',
      { type: 'MODIFIED', object: { kind: 'PersistentVolumeClaim', status: { phase: 'Lost' } } },
      '[🔄][💽][👻]',
    ],
    ['a place to go on from', { type: 'BOOKMARK', object: { kind: 'Pod', metadata: {} } }, ''],
    [
      'an event, by its reason',
      { type: 'ADDED', object: { kind: 'Event', type: 'Normal', reason: 'Killing' } },
      '[🛑]',
    ],
    [
      'a warning of an unknown reason',
      { type: 'ADDED', object: { kind: 'Event', type: 'Warning', reason: 'Brewing' } },
      '[❗]',
    ],
    [
      'its end, since it began too long ago',
      { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
      '[⌛]',
    ],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })

  it('is known by the object in it: a type alone means nothing', () => {
    expect(show({ type: 'ADDED' })).toBe('')
    expect(show({ type: 'ADDED', object: 'a row' })).toBe('')
  })
})

describe('records as they are written', () => {
  // Each is the JSON that pino or the collector wrote, without stack, headers and times.
  const written: readonly (readonly [title: string, line: string, markers: string])[] = [
    [
      '@kubernetes/client-node 1.4: no such pod',
      '{"level":50,"err":{"type":"ApiException","message":"HTTP-Code: 404\\nMessage: Unknown API Status Code!\\nBody: \\"{\\\\\\"kind\\\\\\":\\\\\\"Status\\\\\\",\\\\\\"reason\\\\\\":\\\\\\"NotFound\\\\\\"}\\"\\nHeaders: {}","code":404,"body":"{\\"kind\\":\\"Status\\",\\"apiVersion\\":\\"v1\\",\\"metadata\\":{},\\"status\\":\\"Failure\\",\\"message\\":\\"pods \\\\\\"web\\\\\\" not found\\",\\"reason\\":\\"NotFound\\",\\"code\\":404}"},"msg":"no pod"}',
      '[🤷]',
    ],
    [
      '@kubernetes/client-node 1.4: the log of a pod is not for everyone',
      '{"level":50,"err":{"type":"ApiException","message":"HTTP-Code: 403\\nMessage: Error occurred in log request\\nBody: undefined\\nHeaders: {}","code":403,"headers":{"connection":"close"}},"msg":"no log"}',
      '[⛔]',
    ],
    [
      '@kubernetes/client-node 0.22: no such pod',
      '{"level":50,"err":{"type":"HttpError","message":"HTTP request failed","response":{"statusCode":404},"body":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \\"web\\" not found","reason":"NotFound","details":{"name":"web","kind":"pods"},"code":404},"statusCode":404,"name":"HttpError"},"msg":"no pod"}',
      '[🤷]',
    ],
    [
      'the answer of the API, logged whole',
      '{"level":50,"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \\"web\\" already exists","reason":"AlreadyExists","code":409,"msg":"no pod"}',
      '[👥]',
    ],
    [
      'a pod of a list, logged whole',
      '{"level":30,"metadata":{"name":"web","namespace":"shop"},"spec":{"nodeName":"node-1"},"status":{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory.","qosClass":"BestEffort","startTime":"2026-01-01T12:00:00Z"},"msg":"pod changed"}',
      '[🚪]',
    ],
    [
      'Fluent Bit, input kubernetes_events',
      '{"metadata":{"name":"web.17a","namespace":"shop","resourceVersion":"4211"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web","fieldPath":"spec.containers{web}"},"reason":"BackOff","message":"Back-off restarting failed container","source":{"component":"kubelet","host":"node-1"},"count":7,"type":"Warning","reportingComponent":"kubelet"}',
      '[🌀]',
    ],
    [
      'Fluent Bit, filter kubernetes: names of places only',
      '{"log":"listening","stream":"stdout","kubernetes":{"pod_name":"web","namespace_name":"shop","pod_id":"9d1","host":"node-1","container_name":"web","docker_id":"eb97","container_image":"web:1"}}',
      '',
    ],
    [
      'OpenTelemetry Collector, receiver k8sevents',
      '{"k8s.object.kind":"Pod","k8s.object.name":"web","k8s.event.reason":"FailedScheduling","k8s.event.action":"Scheduling","k8s.event.name":"web.17a","k8s.namespace.name":"shop","k8s.event.count":3,"msg":"0/3 nodes are available"}',
      '[🙅]',
    ],
    [
      'Metricbeat, an event',
      '{"kubernetes":{"event":{"count":1,"involved_object":{"kind":"ReplicaSet","name":"web-25"},"message":"Created pod: web-25-9f","reason":"SuccessfulCreate","type":"Normal"}}}',
      '[🆕]',
    ],
    [
      'Metricbeat, a container',
      '{"kubernetes":{"container":{"name":"web","status":{"phase":"waiting","ready":false,"reason":"CrashLoopBackOff","restarts":7}},"pod":{"name":"web"}}}',
      '[🌀][🔁]',
    ],
  ]

  it.each(written)('%s', (_, line, markers) => {
    expect(show(JSON.parse(line))).toBe(markers)
  })

  it('finds the code of an error where pino puts it', () => {
    class ApiException extends Error {
      code = 429
      body = { kind: 'Status', status: 'Failure', reason: 'TooManyRequests', code: 429 }
    }
    const lines: string[] = []
    const log = pino({ base: null }, { write: (line: string) => lines.push(line) })

    log.error(new ApiException('HTTP-Code: 429'), 'no pod')
    log.warn(
      { k8s: { container: { status: { state: 'terminated', reason: 'OOMKilled' } } } },
      'container died',
    )

    expect(lines.map((line) => show(JSON.parse(line)))).toEqual(['[🚦]', '[🪣]'])
  })
})

describe('one meaning has one marker', () => {
  it.each<[string, LogRecord, string]>([
    [
      'a pod and why',
      {
        k8s: { pod: { status: { phase: 'Failed', reason: 'Evicted' } } },
        'kubernetes.pod.status.phase': 'Failed',
      },
      '[🚪]',
    ],
    [
      'a container and why',
      { k8s: { container: { status: { state: 'waiting', reason: 'CrashLoopBackOff' } } } },
      '[🌀]',
    ],
    [
      'two names of one state',
      { 'k8s.container.status.state': 'waiting', 'kubernetes.container.status.phase': 'waiting' },
      '[⏳]',
    ],
    [
      'two names of one event',
      {
        'k8s.event.reason': 'BackOff',
        'kubernetes.event.reason': 'BackOff',
        'kubernetes.event.type': 'Warning',
      },
      '[🌀]',
    ],
    [
      'an error with the reason and two codes',
      { err: { type: 'ApiException', code: 409, body: { reason: 'AlreadyExists', code: 409 } } },
      '[👥]',
    ],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('what is normal stays quiet', () => {
  it.each<[string, string | number | boolean, LogRecord?]>([
    ['k8s.pod.status.phase', 'Running'],
    ['status.phase', 'Running', { status: { qosClass: 'Guaranteed' } }],
    ['k8s.container.status.state', 'running'],
    ['k8s.container.status.last_terminated_reason', 'OOMKilled'],
    ['k8s.container.restart_count', 0],
    ['k8s.namespace.phase', 'active'],
    ['k8s.node.condition.type', 'Ready', { 'k8s.node.condition.status': 'true' }],
    ['k8s.node.condition.type', 'DiskPressure', { 'k8s.node.condition.status': 'false' }],
    ['k8s.persistentvolumeclaim.status.phase', 'Bound'],
    ['k8s.persistentvolume.status.phase', 'Bound'],
    ['k8s.persistentvolume.status.phase', 'Available'],
    ['k8s.persistentvolume.reclaim_policy', 'Delete'],
    ['k8s.service.type', 'ClusterIP'],
    ['k8s.service.type', 'LoadBalancer'],
    ['k8s.volume.type', 'emptyDir'],
    ['k8s.service.endpoint.condition', 'terminating'],
    ['k8s.event.reason', 'Scheduled'],
    ['k8s.event.reason', 'Pulling'],
    ['k8s.event.reason', 'Pulled'],
    ['k8s.event.reason', 'Created'],
    ['k8s.event.reason', 'NodeHasSufficientMemory'],
    ['k8s.event.reason', 'Brewing'],
    ['k8s.pod.status.reason', 'Brewing', { 'k8s.pod.status.phase': 'Pending' }],
    ['k8s.pod.name', 'web'],
    ['k8s.namespace.name', 'shop'],
    ['k8s.node.name', 'node-1'],
    ['container.id', 'eb97eb43'],
  ])('%s %s', (logKey, value, others = {}) => {
    const { markers, metadata } = beside.enrich({ ...others, [logKey]: value })

    expect(markers).toEqual([])
    expect(metadata).toBeUndefined()
  })
})

describe('beside the built-in sets', () => {
  it.each<LogRecord>([
    {
      req: { method: 'GET', url: '/pods' },
      res: { statusCode: 404 },
      responseTime: 1200,
      msg: 'request completed',
    },
    { 'db.system': 'postgres', 'db.operation': 'select' },
    { err: { type: 'DatabaseError', code: '23505' } },
    { err: { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:6443' } },
    { err: { type: 'HttpError', code: 'ETIMEDOUT', message: 'no answer', statusCode: 504 } },
    { err: { type: 'MongoServerError', code: 11000 } },
    { domain: 'system', action: 'start', status: 'success' },
    { status: 'failure', reason: 'NotFound', code: 404 },
    { kind: 'Status', status: 'success' },
    { status: 404 },
    { type: 'deleted', reason: 'Killing', status: { phase: 'Failed', reason: 'Evicted' } },
    { kind: 'Pod', metadata: { name: 'web' } },
    { signal: 'SIGTERM', exitCode: 137 },
  ])('leaves %j as it is without the plugin', (record) => {
    expect(beside.enrich(record)).toEqual(builtIn.enrich(record))
  })

  it('shows an error that the built-in sets know as they do', () => {
    const refused = {
      err: { type: 'TypeError', message: 'fetch failed: connect ECONNREFUSED 10.0.0.1:6443' },
    }

    expect(show(refused)).toBe('[🙅]')
  })

  it('adds the class of an error under the name that the built-in sets use', () => {
    const { metadata } = beside.enrich({ err: { type: 'ApiException', code: 404 } })

    expect({ ...metadata }).toEqual({ 'err.class': 'not_found' })
  })
})

describe('README.md', () => {
  describeNames(plugin)
})
