import type { LogRecord } from 'eventsets'
import { eventSetConformance } from 'eventsets/testing'
import { describe, expect, it } from 'vitest'
import { logged, openPlugin, type Row, words } from '../../../test/plugins/open-plugin.ts'
import { describeLine, describeNames, describeRows } from '../../../test/plugins/plugin-cases.ts'

const plugin = openPlugin('llm')
const { set, alone, builtIn, beside, show } = plugin

describe('the set conforms', () => {
  for (const { name, run } of eventSetConformance(set)) it(name, run)
})

const rows: Record<string, readonly Row[]> = {
  'who serves the model': [
    ...words(
      'gen_ai.provider.name',
      `openai anthropic aws.bedrock azure.ai.inference azure.ai.openai cohere deepseek gcp.gemini gcp.gen_ai
       gcp.vertex_ai groq ibm.watsonx.ai mistral_ai perplexity x_ai`,
    ),
    ...words('gen_ai.system', 'vertex_ai gemini az.ai.inference az.ai.openai xai openai anthropic'),
    ...words('llm.provider', 'openai anthropic google meta mistral perplexity cohere'),
    ['gen_ai.provider.name', 'a provider of tomorrow', 'default'],
  ],
  'what is asked': [
    ...words(
      'gen_ai.operation.name',
      `chat generate_content text_completion embeddings retrieval create_agent invoke_agent execute_tool
       invoke_workflow`,
    ),
    ...words(
      'gen_ai.operation.name',
      `plan search_memory create_memory update_memory upsert_memory delete_memory create_memory_store
       delete_memory_store`,
    ),
    ...words(
      'llm.task',
      'generation completion embedding chat tool_use summarization translation classification',
    ),
    ['mcp.method.name', 'initialize', 'initialize'],
    ['mcp.method.name', 'tools/call', 'call'],
    ['mcp.method.name', 'resources/read', 'read'],
    ['mcp.method.name', 'prompts/get', 'get'],
    ['mcp.method.name', 'resources/subscribe', 'subscribe'],
    ['mcp.method.name', 'resources/unsubscribe', 'unsubscribe'],
    ['mcp.method.name', 'sampling/createMessage', 'createmessage'],
    ['mcp.method.name', 'elicitation/create', 'create'],
    ['mcp.method.name', 'completion/complete', 'complete'],
    ['mcp.method.name', 'notifications/cancelled', 'cancelled'],
    ['mcp.method.name', 'tasks/cancel', 'cancel'],
  ],
  'what comes back': words('gen_ai.output.type', 'image speech'),
  'how it ended': [
    ...words(
      'llm.outcome',
      'success error filtered_input filtered_output rate_limit partial_success tool_call',
    ),
    ...words(
      'gen_ai.response.finish_reasons',
      'length content_filter tool_call tool_calls function_call error',
    ),
    ...words('stop_reason', 'max_tokens tool_use pause_turn refusal model_context_window_exceeded', {
      model: 'claude',
    }),
    ...words('finishReason', 'length content-filter tool-calls error', { usage: { inputTokens: 12 } }),
    ...words(
      'finishReason',
      `MAX_TOKENS SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII MALFORMED_FUNCTION_CALL IMAGE_SAFETY
       UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS IMAGE_PROHIBITED_CONTENT NO_IMAGE IMAGE_RECITATION model_length`,
      { model: 'gemini' },
    ),
    ...words('finish_reason', 'MAX_TOKENS TOOL_CALL ERROR TIMEOUT', { model: 'command' }),
    ...words(
      'stopReason',
      'content_filtered guardrail_intervened malformed_model_output malformed_tool_use max_tokens tool_use',
      { model: 'nova' },
    ),
    ...words('incomplete_details.reason', 'max_output_tokens content_filter', { model: 'gpt' }),
    ...words('err.finishReason', 'length content-filter'),
  ],
  'why an answer broke off': [
    ...words(
      'err.error.error.type',
      `invalid_request_error authentication_error billing_error permission_error not_found_error rate_limit_error
       timeout_error api_error overloaded_error memory_precondition_failed_error memory_path_conflict_error
       conflict_error request_too_large`,
      { err: { type: 'APIError' } },
    ),
    ...words(
      'err.code',
      `server_error rate_limit_exceeded invalid_prompt data_residency_mismatch bio_policy vector_store_timeout
       invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small
       image_parse_error image_content_policy_violation invalid_image_mode image_file_too_large
       unsupported_image_media_type empty_image_file failed_to_download_image image_file_not_found
       insufficient_quota billing_hard_limit_reached billing_not_active context_length_exceeded content_filter
       content_policy_violation model_not_found invalid_api_key`,
      { err: { type: 'APIError' } },
    ),
  ],
  'why a call was refused': [
    ['err.status', 429, 'default', { err: { type: 'RateLimitError', code: 'insufficient_quota' } }],
    ['err.status', 400, 'default', { err: { type: 'BadRequestError', code: 'context_length_exceeded' } }],
    ['err.status', 400, 'default', { err: { type: 'BadRequestError', code: 'content_filter' } }],
    ['err.status', 429, 'default', { err: { errorCode: 'enforced_spend_limit_reached' } }],
    ['err.status', 402, '402', { err: { error: { error: { type: 'billing_error' } } } }],
    ['err.status', 413, '413', { err: { error: { error: { type: 'request_too_large' } } } }],
    ['err.status', 529, '529', { err: { error: { error: { type: 'overloaded_error' } } } }],
    ...([400, 401, 403, 404, 408, 422, 429, 500, 503, 504, 529] as const).map(
      (status): Row => [
        'err.statusCode',
        status,
        { 400: '4xx', 422: '4xx', 500: '5xx' }[String(status)] ?? String(status),
        { err: { name: 'AI_APICallError' } },
      ],
    ),
    ['err.statusCode', 429, '429', { err: { name: 'GatewayRateLimitError' } }],
    ['err.statusCode', 401, '401', { err: { name: 'CohereError' } }],
    ['err.statusCode', 429, '429', { err: { name: 'SDKError' } }],
    ['err.lastError.statusCode', 529, '529', { err: { name: 'AI_RetryError' } }],
  ],
  'errors of client libraries': [
    ...words(
      'err.type',
      `APIConnectionTimeoutError APIUserAbortError LengthFinishReasonError ContentFilterFinishReasonError
       CohereTimeoutError`,
    ),
    ['err.type', 'APIConnectionError', 'apiconnectionerror', { err: { message: 'Connection error.' } }],
    ...words(
      'err.name',
      `AI_RetryError AI_NoObjectGeneratedError AI_NoOutputGeneratedError AI_NoContentGeneratedError
       AI_NoImageGeneratedError AI_NoSpeechGeneratedError AI_NoTranscriptGeneratedError AI_NoVideoGeneratedError
       AI_EmptyResponseBodyError AI_MissingToolResultsError AI_NoSuchToolError AI_NoSuchModelError
       AI_NoSuchProviderError AI_InvalidToolInputError AI_InvalidArgumentError AI_InvalidPromptError
       AI_InvalidResponseDataError AI_InvalidDataContentError AI_InvalidMessageRoleError AI_InvalidStreamPartError
       AI_TypeValidationError AI_MessageConversionError AI_ToolCallRepairError AI_ToolChoiceViolationError
       AI_JSONParseError AI_TooManyEmbeddingValuesForCallError AI_UnsupportedFunctionalityError AI_LoadAPIKeyError
       AI_LoadSettingError`,
    ),
  ],
  'errors of MCP': (
    [
      [-32700, 'parse_error'],
      [-32600, 'invalid_request'],
      [-32601, 'method_not_found'],
      [-32602, 'invalid_params'],
      [-32603, 'internal_error'],
      [-32000, 'connection_closed'],
      [-32001, 'request_timeout'],
      [-32002, 'resource_not_found'],
      [-32042, 'url_elicitation_required'],
      [-32050, 'default'],
    ] as const
  ).map(([code, key]): Row => ['err.code', code, key, { err: { name: 'McpError' } }]),
  'a long prompt': [
    ...(
      [
        'gen_ai.usage.input_tokens',
        'gen_ai.usage.prompt_tokens',
        'llm.input.tokens',
        'usage.input_tokens',
        'usage.prompt_tokens',
        'usage.inputTokens',
      ] as const
    ).map((name): Row => [name, 100_000, 'long_prompt']),
  ],
  'a long time': [
    ['gen_ai.client.operation.duration', 10, 'slow'],
    ['gen_ai.client.operation.duration', 39.9, 'slow'],
    ['gen_ai.client.operation.duration', 40, 'very_slow'],
    ['gen_ai.server.request.duration', 12, 'slow'],
    ['mcp.client.operation.duration', 12, 'slow'],
    ['mcp.server.operation.duration', 50, 'very_slow'],
    ['duration_ms', 10_000, 'slow', { 'llm.provider': 'openai' }],
    ['durationMs', 10_000, 'slow', { 'gen_ai.provider.name': 'openai' }],
    ['elapsedMs', 40_000, 'very_slow', { gen_ai: { operation: { name: 'chat' } } }],
    ['duration', 40_000, 'very_slow', { 'gen_ai.system': 'openai' }],
    ['gen_ai.response.time_to_first_chunk', 5, 'late_start'],
    ['gen_ai.client.operation.time_to_first_chunk', 6.5, 'late_start'],
    ['gen_ai.server.time_to_first_token', 60, 'late_start'],
  ],
}

describeRows(plugin, rows)

describe('records of the OpenAI library', () => {
  const error = (type: string, message: string, fields: object) =>
    logged(Object.assign(new (named(type))(message), { headers: {}, requestID: 'req_1', ...fields }))
  const refused = (type: string, status: number, code: string | null) =>
    error(type, `${status} …`, { status, code, param: null, error: { code, param: null } })

  it.each([
    ['too many requests', refused('RateLimitError', 429, 'rate_limit_exceeded'), '[🚦]'],
    ['no money left, which is the same status', refused('RateLimitError', 429, 'insufficient_quota'), '[💸]'],
    ['the limit of the bill', refused('BadRequestError', 400, 'billing_hard_limit_reached'), '[💸]'],
    ['a prompt too long', refused('BadRequestError', 400, 'context_length_exceeded'), '[📏]'],
    ['a prompt that Azure filtered', refused('BadRequestError', 400, 'content_filter'), '[🙉]'],
    ['any other bad request', refused('BadRequestError', 400, 'unsupported_value'), '[❌]'],
    ['a bad request without a code', refused('BadRequestError', 400, null), '[❌]'],
    ['a wrong key', refused('AuthenticationError', 401, 'invalid_api_key'), '[🔑]'],
    ['no such model', refused('NotFoundError', 404, 'model_not_found'), '[🤷]'],
    ['an error of the server', refused('InternalServerError', 500, 'server_error'), '[🔥]'],
    ['a stream that broke off', error('APIError', 'Slow down', { code: 'rate_limit_exceeded' }), '[🚦]'],
    ['no answer in time', error('APIConnectionTimeoutError', 'Request timed out.', {}), '[⏰]'],
    ['called off', error('APIUserAbortError', 'Request was aborted.', {}), '[✋]'],
    ['a broken connection', error('APIConnectionError', 'Connection error.', {}), '[💔]'],
    ['cut off while parsing', error('LengthFinishReasonError', 'Could not parse …', {}), '[🤏]'],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })

  it('leaves the error of the platform to the system set', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:9999')
    const failed = new TypeError('fetch failed', { cause: refused })
    const record = logged(new (named('APIConnectionError'))('Connection error.', { cause: failed }))

    expect(show(record)).toBe('[🙅]')
  })
})

describe('records of the Anthropic library', () => {
  const error = (type: string, fields: object, body?: string) =>
    logged(
      Object.assign(new (named(type))('…'), {
        requestID: 'req_1',
        workspaceID: null,
        apiMessage: '…',
        errorCode: null,
        details: null,
        ...(body === undefined ? {} : { error: { type: 'error', error: { type: body, message: '…' } } }),
        ...fields,
      }),
    )
  const spent = { status: 429, errorCode: 'enforced_spend_limit_reached' }

  it.each([
    ['too many requests', error('RateLimitError', { status: 429 }, 'rate_limit_error'), '[🚦]'],
    ['the limit of the month', error('RateLimitError', spent, 'rate_limit_error'), '[💸]'],
    ['no money left', error('PaymentRequiredError', { status: 402 }, 'billing_error'), '[💸]'],
    ['overloaded', error('OverloadedError', { status: 529 }, 'overloaded_error'), '[🚧]'],
    ['overloaded, older', error('InternalServerError', { status: 529 }, 'overloaded_error'), '[🚧]'],
    ['too large', error('ContentTooLargeError', { status: 413 }, 'request_too_large'), '[📏]'],
    ['a bad request', error('BadRequestError', { status: 400 }, 'invalid_request_error'), '[❌]'],
    ['a wrong key', error('AuthenticationError', { status: 401 }, 'authentication_error'), '[🔑]'],
    ['forbidden', error('PermissionDeniedError', { status: 403 }, 'permission_error'), '[⛔]'],
    ['an error of the server', error('InternalServerError', { status: 500 }, 'api_error'), '[🔥]'],
    ['a stream that broke off', error('APIError', {}, 'overloaded_error'), '[🚧]'],
    ['no answer in time', error('APIConnectionTimeoutError', {}), '[⏰]'],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('records of the AI SDK, of Cohere, of Mistral, of MCP', () => {
  const call = (statusCode: number) => ({
    name: 'AI_APICallError',
    url: 'https://api.openai.com/v1/chat/completions',
    requestBodyValues: {},
    statusCode,
    isRetryable: true,
  })
  const error = (type: string, fields: object) => logged(Object.assign(new (named(type))('…'), fields))

  it.each([
    ['too many requests', error('APICallError', call(429)), '[🚦]'],
    ['overloaded', error('APICallError', call(529)), '[🚧]'],
    [
      'given up after some attempts',
      error('RetryError', { name: 'AI_RetryError', reason: 'maxRetriesExceeded', lastError: call(429) }),
      '[🛑][🚦]',
    ],
    [
      'no object, since the answer was cut off',
      error('NoObjectGeneratedError', { name: 'AI_NoObjectGeneratedError', finishReason: 'length' }),
      '[🤏][👻]',
    ],
    ['no such tool', error('NoSuchToolError', { name: 'AI_NoSuchToolError', toolName: 'x' }), '[🤷]'],
    ['Cohere', error('TooManyRequestsError', { name: 'CohereError', statusCode: 429 }), '[🚦]'],
    ['Mistral', error('SDKError', { name: 'SDKError', statusCode: 401, contentType: 'text/plain' }), '[🔑]'],
    ['MCP: no answer in time', error('McpError', { name: 'McpError', code: -32001 }), '[⏰]'],
    ['MCP: no such method', error('McpError', { name: 'McpError', code: -32601 }), '[🙈]'],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('answers that are logged', () => {
  it.each<[string, object, string]>([
    [
      'a message of Anthropic that is done',
      {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'c',
        stop_reason: 'end_turn',
        usage: { input_tokens: 9 },
      },
      '',
    ],
    ['a message of Anthropic that was cut off', { model: 'c', stop_reason: 'max_tokens' }, '[🤏]'],
    ['a result of the AI SDK', { finishReason: 'tool-calls', usage: { inputTokens: 120_000 } }, '[📞][🧳]'],
    [
      'a response of OpenAI that is incomplete',
      { object: 'response', model: 'gpt', incomplete_details: { reason: 'content_filter' } },
      '[🙊]',
    ],
    ['a reason to stop that is not of a model', { stop_reason: 'timeout', worker: 7 }, ''],
  ])('%s', (_, answer, markers) => {
    expect(show(logged(answer, 'answered'))).toBe(markers)
  })
})

describe('one meaning', () => {
  it.each<[string, LogRecord]>([
    [
      '[🤖][💬]',
      {
        'gen_ai.provider.name': 'openai',
        'gen_ai.system': 'openai',
        'llm.provider': 'openai',
        'gen_ai.operation.name': 'chat',
        'llm.task': 'chat',
      },
    ],
    [
      '[🔨]',
      { 'gen_ai.operation.name': 'execute_tool', 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'add' },
    ],
    [
      '[🤏]',
      {
        model: 'm',
        'gen_ai.response.finish_reasons': ['length'],
        finish_reason: 'length',
        stop_reason: 'max_tokens',
      },
    ],
    ['[📞]', { 'llm.outcome': 'tool_call', 'gen_ai.response.finish_reasons': ['tool_calls'] }],
    [
      '[🧳]',
      { 'gen_ai.usage.input_tokens': 2e5, 'gen_ai.usage.prompt_tokens': 2e5, usage: { input_tokens: 2e5 } },
    ],
    [
      '[📚][✨][🐢]',
      {
        'gen_ai.provider.name': 'anthropic',
        'llm.task': 'generation',
        'gen_ai.operation.name': 'generate_content',
        'gen_ai.client.operation.duration': 12,
      },
    ],
  ])('shows as %s, however many names it has', (markers, record) => {
    expect(show(record)).toBe(markers)
  })

  it('reads bare fields in a record about the set', () => {
    expect(show({ msg: 'llm_answered', provider: 'mistral', task: 'chat', outcome: 'success' })).toBe(
      '[💨][💬][👍]',
    )
  })
})

describe('metadata', () => {
  it.each<[LogRecord, object]>([
    [{ 'llm.provider': 'openai' }, { 'llm.vendor': 'openai', 'llm.api': 'openai' }],
    [{ 'llm.provider': 'anthropic' }, { 'llm.vendor': 'anthropic', 'llm.api': 'claude' }],
    [{ 'llm.provider': 'google' }, { 'llm.vendor': 'google', 'llm.api': 'gemini' }],
    [{ 'llm.provider': 'meta' }, { 'llm.vendor': 'meta', 'llm.api': 'llama' }],
    [{ 'llm.provider': 'mistral' }, { 'llm.vendor': 'mistral', 'llm.api': 'mistral' }],
    [{ 'llm.task': 'generation' }, { 'llm.type': 'generative' }],
    [{ 'llm.task': 'completion' }, { 'llm.type': 'completion' }],
    [{ 'llm.task': 'embedding' }, { 'llm.type': 'embedding' }],
    [{ 'llm.task': 'chat' }, { 'llm.type': 'conversational' }],
    [{ 'llm.task': 'tool_use' }, { 'llm.type': 'function_calling' }],
    [{ 'llm.outcome': 'success' }, { 'llm.success': true }],
    [{ 'llm.outcome': 'error' }, { 'llm.error': true }],
    [{ 'llm.outcome': 'rate_limit' }, { 'llm.rate_limited': true }],
    [{ 'llm.outcome': 'filtered_input' }, { 'llm.filtered': true, 'llm.filter_type': 'input' }],
    [{ 'llm.outcome': 'filtered_output' }, { 'llm.filtered': true, 'llm.filter_type': 'output' }],
    [{ 'gen_ai.response.finish_reasons': 'max_tokens' }, { 'llm.truncated': true }],
    [
      { 'err.name': 'AI_APICallError', 'err.statusCode': 429 },
      { 'err.class': 'rate_limit', 'llm.rate_limited': true },
    ],
  ])('of %j is %j', (record, metadata) => {
    expect({ ...alone.enrich(record).metadata }).toEqual(metadata)
  })
})

describe('what is normal, or content, stays quiet', () => {
  it.each<[string, unknown]>([
    ['gen_ai.output.type', 'text'],
    ['gen_ai.output.type', 'json'],
    ['gen_ai.response.finish_reasons', ['stop']],
    ['gen_ai.response.finish_reasons', ['stop', 'length']],
    ['gen_ai.response.finish_reasons', ['end_turn']],
    ['gen_ai.token.type', 'input'],
    ['gen_ai.request.model', 'gpt-4o'],
    ['gen_ai.usage.input_tokens', 99_999],
    ['gen_ai.usage.output_tokens', 100_000],
    ['gen_ai.client.operation.duration', 9.9],
    ['gen_ai.response.time_to_first_chunk', 4.9],
    ['gen_ai.input.messages', 'success'],
    ['gen_ai.output.messages', 'error'],
    ['gen_ai.system_instructions', 'openai'],
    ['gen_ai.tool.call.arguments', 'chat'],
    ['gen_ai.tool.call.result', 'error'],
    ['openai.api.type', 'responses'],
    ['openai.request.service_tier', 'auto'],
    ...[
      'ping',
      'tools/list',
      'resources/list',
      'resources/templates/list',
      'prompts/list',
      'roots/list',
      'logging/setLevel',
      'notifications/initialized',
      'notifications/progress',
      'notifications/message',
      'notifications/resources/list_changed',
      'notifications/resources/updated',
      'notifications/prompts/list_changed',
      'notifications/tools/list_changed',
      'notifications/roots/list_changed',
    ].map((method): [string, unknown] => ['mcp.method.name', method]),
  ])('%s %j', (logKey, value) => {
    const { markers, metadata } = beside.enrich({ [logKey]: value })

    expect(markers).toEqual([])
    expect(metadata).toBeUndefined()
  })

  it('calls three seconds slow of anything but a language model', () => {
    expect(show({ duration_ms: 3000 })).toBe('[🐢]')
    expect(show({ duration_ms: 3000, 'llm.provider': 'openai' })).toBe('[🤖]')
  })
})

describe('beside the built-in sets', () => {
  it.each<[string, LogRecord]>([
    [
      'a request',
      { req: { method: 'GET' }, res: { statusCode: 200 }, responseTime: 1200, msg: 'request completed' },
    ],
    ['a query', { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT', duration_ms: 1200 }],
    ['an error of the database', { err: { type: 'DatabaseError', code: '23505' } }],
    ['an error of the platform', { err: { type: 'Error', code: 'ECONNREFUSED' } }],
    ['an error of another client', { err: { type: 'RateLimitError', status: 429, code: 'too_fast' } }],
    [
      'a queue that is full',
      { err: { type: 'RateLimitError', name: 'RateLimitError', message: 'bullmq:rateLimitExceeded' } },
    ],
    [
      'a start-up error of fastify',
      { err: { type: 'FastifyError', statusCode: 500, code: 'FST_ERR_PLUGIN_TIMEOUT' } },
    ],
    ['a process', { signal: 'SIGTERM' }],
    ['an action', { domain: 'user', action: 'login', status: 'success', duration_ms: 6000 }],
  ])('%s looks as it did', (_, record) => {
    expect(beside.enrich(record)).toEqual(builtIn.enrich(record))
  })

  it('says what went wrong upstream and what the client of the service was told', () => {
    const err = { type: 'RateLimitError', status: 429, code: 'insufficient_quota', message: '429 …' }

    expect(show({ req: { method: 'POST' }, res: { statusCode: 500 }, err, msg: 'request errored' })).toBe(
      '[💸][📤][🔥]',
    )
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
