import type { EventSet } from '../../src/index.ts'

// The tables of the system that event sets come from, as data. Entries that a clean-up of its sources lost are back.
// Field mappings that never had a table are left out: here every field mapping leads to a mapping.

export const http: EventSet = {
  name: 'http',
  priority: 80,
  mappings: [
    {
      name: 'http_method',
      visualMarkers: {
        get: '📥',
        post: '📤',
        put: '📝⬆️',
        delete: '🗑️',
        patch: '🩹',
        head: '👤❔',
        options: '⚙️❔',
        default: '🌐',
      },
    },
    {
      name: 'http_status_class',
      visualMarkers: {
        '1xx': 'ℹ️',
        '2xx': '✅',
        '3xx': '↪️',
        '4xx': '⚠️CLIENT',
        '5xx': '🔥SERVER',
        default: '❓',
      },
      metadataFields: {
        '2xx': { 'http.success': true },
        '4xx': { 'http.client_error': true },
        '5xx': { 'http.server_error': true },
      },
    },
    { name: 'http_target_type', visualMarkers: { path: '🛣️', query: '❓', fragment: '#️⃣', default: '🎯' } },
  ],
  fieldMappings: [
    { logKey: 'http.method', mapping: 'http_method', valueType: 'string' },
    { logKey: 'http.status_class', mapping: 'http_status_class', valueType: 'string' },
    { logKey: 'http.target', mapping: 'http_target_type', defaultOverrideKey: 'path' },
  ],
}

export const database: EventSet = {
  name: 'database',
  priority: 90,
  mappings: [
    {
      name: 'db_system',
      visualMarkers: {
        postgres: '🐘',
        mysql: '🐬',
        sqlite: '💾',
        mongodb: '🍃',
        redis: '🟥',
        elasticsearch: '🔍',
        default: '🗄️',
      },
      metadataFields: {
        postgres: { 'db.type': 'sql', 'db.vendor': 'postgresql' },
        mysql: { 'db.type': 'sql', 'db.vendor': 'mysql' },
        sqlite: { 'db.type': 'sql', 'db.vendor': 'sqlite' },
        mongodb: { 'db.type': 'nosql', 'db.vendor': 'mongodb' },
        redis: { 'db.type': 'cache', 'db.vendor': 'redis' },
        elasticsearch: { 'db.type': 'search', 'db.vendor': 'elastic' },
      },
    },
    {
      name: 'db_operation',
      visualMarkers: {
        query: '🔍',
        select: '🔍',
        insert: '➕',
        update: '🔄',
        delete: '🗑️',
        connect: '🔗',
        disconnect: '💔',
        transaction_begin: '💳🟢',
        transaction_commit: '💳✅',
        transaction_rollback: '💳❌',
        default: '⚙️',
      },
      metadataFields: {
        select: { 'db.read': true },
        query: { 'db.read': true },
        insert: { 'db.write': true },
        update: { 'db.write': true },
      },
    },
    {
      name: 'db_outcome',
      visualMarkers: { success: '👍', error: '🔥', not_found: '❓🤷', timeout: '⏱️', default: '➡️' },
      metadataFields: {
        success: { 'db.success': true },
        error: { 'db.error': true },
        timeout: { 'db.timeout': true },
      },
    },
  ],
  // The seed spelling without a link: each mapping is found by the log key with "_" for ".".
  fieldMappings: [{ logKey: 'db.system' }, { logKey: 'db.operation' }, { logKey: 'db.outcome' }],
}

export const das: EventSet = {
  name: 'das',
  priority: 0,
  mappings: [
    {
      name: 'domain',
      visualMarkers: {
        system: '⚙️',
        server: '🛎️',
        client: '🙋',
        network: '🌐',
        security: '🔐',
        config: '🔩',
        database: '🗄️',
        cache: '💾',
        task: '🔄',
        plugin: '🔌',
        telemetry: '🛰️',
        file: '📄',
        user: '👤',
        payment: '💳',
        default: '❓',
      },
    },
    {
      name: 'action',
      visualMarkers: {
        init: '🌱',
        start: '🚀',
        stop: '🛑',
        connect: '🔗',
        read: '📖',
        write: '📝',
        process: '⚙️',
        parse: '🧩',
        build: '🏗️',
        login: '➡️',
        logout: '⬅️',
        error: '🔥',
        default: '❓',
      },
    },
    {
      name: 'status',
      visualMarkers: {
        success: '✅',
        failure: '❌',
        error: '🔥',
        warning: '⚠️',
        info: 'ℹ️',
        attempt: '⏳',
        retry: '🔁',
        complete: '🏁',
        timeout: '⏱️',
        default: '➡️',
      },
    },
  ],
  fieldMappings: [{ logKey: 'domain' }, { logKey: 'action' }, { logKey: 'status' }],
}

export const llm: EventSet = {
  name: 'llm',
  priority: 100,
  mappings: [
    {
      name: 'llm_provider',
      visualMarkers: { openai: '🤖', anthropic: '📚', google: '🇬', meta: '🦙', mistral: '🌬️', default: '💡' },
      metadataFields: {
        openai: { 'llm.vendor': 'openai', 'llm.api': 'openai' },
        anthropic: { 'llm.vendor': 'anthropic', 'llm.api': 'claude' },
      },
    },
    {
      name: 'llm_task',
      visualMarkers: { generation: '✍️', completion: '✅', embedding: '🔗', chat: '💬', default: '⚡' },
      metadataFields: { chat: { 'llm.type': 'conversational' }, completion: { 'llm.type': 'completion' } },
    },
    {
      name: 'llm_outcome',
      visualMarkers: { success: '👍', error: '🔥', rate_limit: '⏳', tool_call: '📞', default: '➡️' },
      metadataFields: { success: { 'llm.success': true }, rate_limit: { 'llm.rate_limited': true } },
    },
  ],
  fieldMappings: [{ logKey: 'llm.provider' }, { logKey: 'llm.task' }, { logKey: 'llm.outcome' }],
}

export const taskQueue: EventSet = {
  name: 'task_queue',
  priority: 70,
  mappings: [
    {
      name: 'task_system',
      visualMarkers: { celery: '🥕', rq: '🟥🇶', dramatiq: '🎭', kafka: '🌊', rabbitmq: '🐇', default: '📨' },
      metadataFields: {
        celery: { 'task.broker': 'celery' },
        kafka: { 'task.broker': 'kafka', 'task.streaming': true },
      },
    },
    {
      name: 'task_status',
      visualMarkers: {
        submitted: '➡️📨',
        received: '📥',
        started: '▶️',
        success: '✅🏁',
        failure: '❌🔥',
        default: '❓',
      },
      metadataFields: {
        success: { 'task.state': 'completed', 'task.success': true },
        failure: { 'task.state': 'failed', 'task.success': false },
      },
    },
  ],
  fieldMappings: [{ logKey: 'task.system' }, { logKey: 'task.status' }],
}

export const payment: EventSet = {
  name: 'payment',
  mappings: [{ name: 'payment_status', visualMarkers: { completed: '💰', failed: '💸', pending: '⏳' } }],
  fieldMappings: [{ logKey: 'payment.status', eventSetName: 'payment_status' }],
}

/** The sets that were always in force there. */
export const tables: readonly EventSet[] = [das, database, http, llm, taskQueue]
