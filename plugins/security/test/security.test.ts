import { createEnricher, createRegistry, type LogRecord } from 'eventsets'
import { eventSetConformance } from 'eventsets/testing'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { openPlugin } from '../../../test/plugins/open-plugin.ts'
import { describeNames } from '../../../test/plugins/plugin-cases.ts'

const plugin = openPlugin('security')
const { set, alone, builtIn, beside, show } = plugin

describe('what every event set has to keep to', () => {
  for (const { name, run } of eventSetConformance(set)) it(name, run)
})

/** The vocabulary, with the level that it states. */
const vocabulary: readonly (readonly [name: string, level: string | undefined])[] = [
  ...names('info', 'authn_login_success authn_login_successafterfail authn_password_change'),
  ...names('info', 'authn_token_created authn_token_revoked'),
  ...names('info', 'upload_complete upload_stored upload_delete'),
  ...names('info', 'session_created session_renewed session_expired session_logout'),
  ...names('warn', 'authn_login_fail authn_login_fail_max authn_login_lock authn_token_delete'),
  ...names('warn', 'authz_change authz_admin crypt_decrypt_fail crypt_encrypt_fail'),
  ...names('warn', 'excess_rate_limit_exceeded excess_sessions_exceeded'),
  ...names('warn', 'input_validation_fail input_validation_discrete_fail'),
  ...names('warn', 'malicious_excess_404 malicious_csrf malicious_csp_violation'),
  ...names('warn', 'mcp_prompt_injection mcp_resource_exhaustion mcp_tool_poisoning'),
  ...names('warn', 'privilege_permissions_changed'),
  ...names('warn', 'sensitive_create sensitive_read sensitive_update sensitive_delete'),
  ...names('warn', 'sys_startup sys_shutdown sys_restart sys_crash sys_monitor_disabled sys_monitor_enabled'),
  ...names('warn', 'user_created user_updated user_archived user_deleted'),
  ...names('critical', 'authn_password_change_fail authn_impossible_travel authn_token_reuse authz_fail'),
  ...names('critical', 'malicious_extraneous malicious_attack_tool malicious_sqli malicious_cors'),
  ...names('critical', 'malicious_direct_reference sequence_fail session_use_after_expire'),
  // "INFO|CRITICAL": what it is, the result tells.
  ['upload_validation', undefined],
]

const keys = ['event', 'event.name', 'otel.event.name', 'eventName', 'owasp_event.event']

describe.each(vocabulary)('%s', (name, level) => {
  it.each(keys)('is found in %s, with what belongs to it and without', (key) => {
    for (const value of [name, `${name}:joebob1`, `${name.toUpperCase()}:joe@example.com,2`]) {
      const { markers } = alone.enrich({ [key]: value })

      expect(markers.map((marker) => [marker.key, marker.logKey])).toEqual([[name, key]])
    }
  })

  it(level === undefined ? 'has no one severity' : `is ${level}`, () => {
    const { metadata = {} } = alone.enrich({ event: name })

    expect({ ...metadata }).toEqual(level === undefined ? {} : { 'security.severity': level })
  })
})

describe('the vocabulary', () => {
  it('is all that the set knows, with the spellings of its examples and a former name', () => {
    const known = set.mappings?.find(({ name }) => name === 'event')?.visualMarkers ?? {}
    const others = ['malicious_excess404', 'permissions_changed', 'malicious_direct']

    expect(Object.keys(known).sort()).toEqual([...vocabulary.map(([name]) => name), ...others].sort())
  })

  it.each([
    ['malicious_excess404', 'malicious_excess_404'],
    ['permissions_changed', 'privilege_permissions_changed'],
    ['malicious_direct', 'malicious_direct_reference'],
  ])('shows %s as %s', (other, name) => {
    expect(show({ event: `${other}:joebob1` })).toBe(show({ event: name }))
    expect(beside.enrich({ event: other }).metadata).toEqual(beside.enrich({ event: name }).metadata)
  })

  it.each([
    'user_signed_up',
    'user_created_by_import',
    'session_started',
    'authn_mfa_success',
    'authn_login',
    'upload',
    'user.created',
    'payment_processed',
    'a user_created',
  ])('does not know %s, which stays free for another set', (event) => {
    const own = createRegistry()
    own.registerEventSet(set)
    own.registerEventSet({
      name: 'own',
      mappings: [{ name: 'event', visualMarkers: { default: '🧁' } }],
      fieldMappings: keys
        .filter((key) => key !== 'owasp_event.event')
        .map((logKey) => ({ logKey, mapping: 'event' })),
    })
    const enricher = createEnricher(own)

    for (const key of ['event', 'event.name', 'otel.event.name', 'eventName']) {
      expect(enricher.enrich({ [key]: event }).markers.map((marker) => marker.set)).toEqual(['own'])
    }
  })

  it('takes text only', () => {
    expect(show({ event: 1 })).toBe('')
    expect(show({ event: { action: 'authn_login_fail' } })).toBe('')
  })
})

describe('the events of a session', () => {
  it.each(['event', 'event.name', 'otel.event.name', 'eventName'])('are found in %s', (key) => {
    expect(show({ [key]: 'session.start', 'session.id': 'a' })).toBe('[🌱]')
    expect(show({ [key]: 'session.end', 'session.id': 'a' })).toBe('[🏁]')
  })
})

describe('an error of', () => {
  // The JSON that pino wrote of each error that the library threw, without its stack.
  it.each<[string, string, string, string]>([
    [
      'jose: expired',
      '{"type":"JWTExpired","message":"\\"exp\\" claim timestamp check failed","code":"ERR_JWT_EXPIRED","name":"JWTExpired","claim":"exp","reason":"check_failed","payload":{"exp":1}}',
      '[⌛]',
      'expired',
    ],
    [
      'jose: signed by someone else',
      '{"type":"JWSSignatureVerificationFailed","message":"signature verification failed","code":"ERR_JWS_SIGNATURE_VERIFICATION_FAILED","name":"JWSSignatureVerificationFailed"}',
      '[🔏]',
      'signature',
    ],
    [
      'jose: an algorithm that is not allowed',
      '{"type":"JOSEAlgNotAllowed","message":"\\"alg\\" (Algorithm) Header Parameter value not allowed","code":"ERR_JOSE_ALG_NOT_ALLOWED","name":"JOSEAlgNotAllowed"}',
      '[🔏]',
      'signature',
    ],
    [
      'jose: a claim',
      '{"type":"JWTClaimValidationFailed","message":"missing required \\"iss\\" claim","code":"ERR_JWT_CLAIM_VALIDATION_FAILED","name":"JWTClaimValidationFailed","claim":"iss","reason":"missing","payload":{}}',
      '[💢]',
      'invalid',
    ],
    [
      'jose: no token at all',
      '{"type":"JWSInvalid","message":"Invalid Compact JWS","code":"ERR_JWS_INVALID","name":"JWSInvalid"}',
      '[💢]',
      'invalid',
    ],
    [
      'jsonwebtoken: expired',
      '{"type":"TokenExpiredError","message":"jwt expired","name":"TokenExpiredError","expiredAt":"1970-01-01T00:00:01.000Z"}',
      '[⌛]',
      'expired',
    ],
    [
      'jsonwebtoken: too early',
      '{"type":"NotBeforeError","message":"jwt not active","name":"NotBeforeError","date":"2096-10-02T07:06:40.000Z"}',
      '[⏳]',
      'not_yet_valid',
    ],
    [
      'jsonwebtoken: signed by someone else',
      '{"type":"JsonWebTokenError","message":"invalid signature","name":"JsonWebTokenError"}',
      '[🔏]',
      'signature',
    ],
    [
      'jsonwebtoken: no token at all',
      '{"type":"JsonWebTokenError","message":"jwt malformed","name":"JsonWebTokenError"}',
      '[💢]',
      'invalid',
    ],
    [
      'fast-jwt: expired',
      '{"type":"TokenError","message":"The token has expired at 1970-01-01T00:00:01.000Z.","code":"FAST_JWT_EXPIRED"}',
      '[⌛]',
      'expired',
    ],
    [
      'fast-jwt: signed by someone else',
      '{"type":"TokenError","message":"The token signature is invalid.","code":"FAST_JWT_INVALID_SIGNATURE"}',
      '[🔏]',
      'signature',
    ],
    [
      '@fastify/jwt: expired',
      '{"type":"FastifyError","message":"Authorization token expired","code":"FST_JWT_AUTHORIZATION_TOKEN_EXPIRED","name":"FastifyError","statusCode":401}',
      '[⌛]',
      'expired',
    ],
    [
      'express-jwt: expired, beside the status that it answers with',
      '{"type":"UnauthorizedError","message":"jwt expired","code":"invalid_token","status":401,"name":"UnauthorizedError","inner":{"type":"TokenExpiredError","message":"jwt expired","name":"TokenExpiredError","expiredAt":"1970-01-01T00:00:01.000Z"}}',
      '[⌛][🔑]',
      'expired',
    ],
    [
      'express-jwt: revoked',
      '{"type":"UnauthorizedError","message":"The token has been revoked.","code":"revoked_token","status":401,"name":"UnauthorizedError","inner":{"type":"Object","message":"The token has been revoked."}}',
      '[🧟][🔑]',
      'revoked',
    ],
    [
      'csrf-csrf, beside the status that it answers with',
      '{"type":"ForbiddenError","message":"invalid csrf token","code":"EBADCSRFTOKEN","status":403,"statusCode":403,"expose":true}',
      '[🎭][⛔]',
      'csrf',
    ],
    [
      '@fastify/csrf-protection',
      '{"type":"FastifyError","message":"Invalid csrf token","code":"FST_CSRF_INVALID_TOKEN","name":"FastifyError","statusCode":403}',
      '[🎭]',
      'csrf',
    ],
  ])('%s', (_, err, markers, errorClass) => {
    const record = { level: 50, err: JSON.parse(err) }

    expect(show(record)).toBe(markers)
    expect(beside.enrich(record).metadata?.['err.class']).toBe(errorClass)
  })

  const codes = Object.keys(set.mappings?.find(({ name }) => name === 'credential')?.visualMarkers ?? {})

  it.each(codes.filter((code) => /_jw|_jose|csrf/.test(code)))('code %s is found in upper case', (code) => {
    const { markers } = beside.enrich({ err: { type: 'Error', code: code.toUpperCase() } })

    expect(markers.map((marker) => [marker.set, marker.key])).toEqual([['security', code]])
  })

  it.each([
    'FST_JWT_NO_AUTHORIZATION_IN_HEADER',
    'FST_JWT_NO_AUTHORIZATION_IN_COOKIE',
    'ERR_JOSE_GENERIC',
    'FAST_JWT_INVALID_OPTION',
    'FAST_JWT_SIGN_ERROR',
  ])('code %s adds nothing to the answer', (code) => {
    expect(show({ err: { type: 'FastifyError', code }, res: { statusCode: 401 } })).toBe('[🔑]')
  })
})

describe('records as they are written', () => {
  it('marks what pino writes of an event', () => {
    const lines: string[] = []
    const log = pino({ base: null }, { write: (line: string) => lines.push(line) })

    log.warn({ event: 'authn_login_fail:joebob1', source_ip: '165.225.50.94' }, 'User joebob1 login failed')
    log.error({ event: { name: 'authz_fail:joebob1,resource' } }, 'not entitled')
    log.info({ event: 'authn_login_success:joebob1' })

    expect(lines.map((line) => show(JSON.parse(line)))).toEqual(['[🔑]', '[⛔]', '[🛂]'])
  })

  it('marks the example of the cheat sheet', () => {
    const line =
      '{"datetime":"2021-01-01T01:01:01-0700","appid":"foobar.netportal_auth","event":"AUTHN_login_success:joebob1","level":"INFO","description":"User joebob1 login successfully","source_ip":"165.225.50.94","protocol":"https","port":"440","request_uri":"/api/v2/auth/","request_method":"POST","region":"AWS-US-WEST-2"}'

    expect(show(JSON.parse(line))).toBe('[🛂]')
  })

  it('leaves the severity that the application states', () => {
    const record = { event: 'authz_fail:joebob1', security: { severity: 'low' } }

    expect(beside.enrich(record).metadata).toBeUndefined()
  })
})

describe('one meaning has one marker', () => {
  it.each<[string, LogRecord, string]>([
    ['an event beside a name of someone else', { event: 'authz_fail:joebob1', eventName: 'Denied' }, '[⛔]'],
    [
      'an error by its code, type and name',
      { err: { code: 'ERR_JWT_EXPIRED', type: 'JWTExpired', name: 'JWTExpired' } },
      '[⌛]',
    ],
    [
      'an error by its type and name',
      { err: { type: 'TokenExpiredError', name: 'TokenExpiredError' } },
      '[⌛]',
    ],
    [
      'an error in an error',
      { err: { type: 'UnauthorizedError', code: 'invalid_token', inner: { type: 'NotBeforeError' } } },
      '[⏳]',
    ],
    [
      'a signature, not also a bad token',
      { err: { type: 'JsonWebTokenError', message: 'invalid signature' } },
      '[🔏]',
    ],
  ])('%s', (_, record, markers) => {
    expect(show(record)).toBe(markers)
  })
})

describe('what is no event stays quiet', () => {
  it.each<[string, string | number]>([
    ['msg', 'authn_login_fail:joebob1'],
    ['event.action', 'authn_login_fail'],
    ['user.id', 'joebob1'],
    ['user.roles', 'admin'],
    ['enduser.id', 'joebob1'],
    ['session.id', '00112233'],
    ['session.previous_id', '00112233'],
    ['security_rule.name', 'authn_login_fail'],
    ['level', 'CRITICAL'],
    ['type', 'authz_fail'],
    ['err.type', 'UnauthorizedError'],
    ['err.code', 'invalid_token'],
  ])('%s %s', (logKey, value) => {
    expect(beside.enrich({ [logKey]: value })).toEqual(builtIn.enrich({ [logKey]: value }))
    expect(show({ [logKey]: value })).toBe('')
  })
})

describe('beside the built-in sets', () => {
  it.each<LogRecord>([
    {
      req: { method: 'POST', url: '/login' },
      res: { statusCode: 401 },
      responseTime: 12,
      msg: 'request completed',
    },
    { 'db.system': 'postgres', 'db.operation': 'insert' },
    { err: { type: 'DatabaseError', code: '23505' } },
    { err: { type: 'Error', code: 'ECONNREFUSED' } },
    { err: { type: 'TimeoutError', code: 23 } },
    { err: { type: 'AbortError', name: 'AbortError' } },
    { err: { type: 'FastifyError', code: 'FST_ERR_VALIDATION', status: 400 } },
    { err: { type: 'Error', code: 'ERR_INVALID_ARG_TYPE' } },
    { err: { type: 'UnauthorizedError', status: 401 } },
    { domain: 'security', action: 'login', status: 'success' },
    { event: 'order.shipped', status: 'ready' },
    { signal: 'SIGTERM', exitCode: 1 },
  ])('leaves %j as it is without the plugin', (record) => {
    expect(beside.enrich(record)).toEqual(builtIn.enrich(record))
  })
})

describe('README.md', () => {
  describeNames(plugin)
})

function names(level: string, text: string): (readonly [name: string, level: string])[] {
  return text.split(' ').map((name) => [name, level] as const)
}
