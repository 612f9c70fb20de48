import type { IncomingMessage, ServerResponse } from 'node:http'
import { reasonOf } from './errors.ts'

export interface HttpAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Answers GET and HEAD with what `make` gives, and other methods with 405. Never rejects. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  make: () => HttpAnswer | Promise<HttpAnswer>,
): Promise<void> {
  // The client may be gone before its turn comes.
  response.on('error', () => {})
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(response, ['GET', 'HEAD'])
  try {
    send(request, response, await make())
  } catch (error) {
    send(request, response, { status: 500, type: PLAIN, body: `${reasonOf(error)}\n` })
  }
}

export function refuseMethod(response: ServerResponse, methods: readonly string[]): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(405, { allow: methods.join(', '), 'content-type': PLAIN })
  response.end(`Only ${methods.join(' and ')} is answered.\n`)
}

const PLAIN = 'text/plain; charset=utf-8'

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: HttpAnswer): void {
  // Somebody else has answered, or nobody listens any more.
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
