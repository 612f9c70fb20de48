import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the demo', () => {
  it('shows a shop at work and failing, one line an event, and ends by itself', async () => {
    const { lines, stdout, stderr, exitCode } = await run('examples/demo/run.mjs')

    expect(lines).toEqual([
      'INFO: [💽][🌱] opening the database, a PostgreSQL in this process',
      'INFO: [🐘][🧱] create table products (name text primary key, price integer)',
      'INFO: [🐘][🧱] create table customers (email text unique)',
      "INFO: [🐘][🆕] insert into products values ('teapot', 30), ('cup', 8), ('spoon', 4)",
      'INFO: [🏢][🚀] the shop is open',
      'INFO: [🐘][🔍] select name, price from products',
      'INFO: [📥][✅] GET /products 200',
      'INFO: [🐘][🆕] insert into customers values ($1)',
      'INFO: [📤][✅] POST /customers 201',
      'INFO: [🐘][🔍] select price from products where name = $1',
      'INFO: [💰] payment of 30 € completed',
      'INFO: [📤][✅] POST /orders 201',
      'INFO: [🐘][🔍] select price from products where name = $1',
      'WARN: [💸] payment of 8 € failed',
      'WARN: [📤][❌] POST /orders 402',
      'ERROR: [🐘][🆕][👥] duplicate key value violates unique constraint "customers_email_key"',
      'WARN: [📤][❌] POST /customers 409',
      'WARN: [📥][🤷] GET /coffee 404',
      "ERROR: [📥][🔥][👻] GET /terms 500: ENOENT: no such file or directory, open 'terms-of-sale.txt'",
      expect.stringMatching(
        /^ERROR: \[📥\]\[🔥\]\[🙅\] GET \/stock 502: connect ECONNREFUSED 127\.0\.0\.1:\d+$/u,
      ),
      'WARN: [📥][✋] GET /advice: This operation was aborted',
      'ERROR: [📥][⌛][⏰] GET /rates 504: The operation was aborted due to timeout',
      'INFO: [🏢][🛑] the shop closes',
    ])
    expect(stdout).toContain("pino({ transport: { target: 'eventsets' } })")
    expect(stdout).not.toContain('\u001b')
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
  })
})

describe('the examples', () => {
  it('are coloured where colour is wanted', async () => {
    const { stdout } = await run('examples/transport/app.mjs', { FORCE_COLOR: '1' })

    expect(stdout).toContain('\u001b[32mINFO\u001b[39m')
  })

  it('transport: pino-http in a server of node', async () => {
    const { lines, stderr, exitCode } = await run('examples/transport/app.mjs')

    expect(lines).toEqual([
      'INFO: [📥][✅] request completed',
      'INFO: [📤][✅] request completed',
      'INFO: [📥][🤷] request completed',
    ])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })

  it('pipeline: pino-pretty behind eventsets', async () => {
    const { lines, stderr, exitCode } = await run('examples/pipeline/app.mjs')

    expect(lines).toEqual([
      'INFO: [🔩][💡] reading the settings',
      'ERROR: [👻] there are no settings',
      'INFO: [🔩][✅] the defaults will do',
    ])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })

  it('in-process: a set shows from the line after its registration', async () => {
    const { lines, stderr, exitCode } = await run('examples/in-process/app.mjs')

    expect(lines).toEqual([
      'INFO: paid, before anybody has said what that looks like {"payment":{"status":"completed","amount":30}}',
      'INFO: [💰] paid {"payment":{"status":"completed","amount":30}}',
      'WARN: [💸] the card was declined {"payment":{"status":"failed","amount":8}}',
    ])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })

  it("fastify: in the framework's own logger", async () => {
    const { lines, stderr, exitCode } = await run('examples/fastify/app.mjs')

    expect(lines).toEqual([
      expect.stringMatching(/^INFO: Server listening at http:\/\/127\.0\.0\.1:\d+$/),
      'INFO: [📥] incoming request',
      'INFO: [✅] request completed',
      'INFO: [📥] incoming request',
      "ERROR: [📥][🔥][👻] ENOENT: no such file or directory, open 'terms-that-are-missing.txt'",
      'INFO: [🔥] request completed',
      'INFO: [📥] incoming request',
      'INFO: Route GET:/nobody-is-here not found',
      'INFO: [🤷] request completed',
    ])
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  })
})

/** Runs a program of the repository as a user does; `lines` are its log lines without their times. */
async function run(file: string, variables: Record<string, string> = {}) {
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env
  const child = spawn(process.execPath, [file], { cwd: root, env: { ...env, ...variables } })
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  const lines = stdout.split('\n').flatMap((line) => /^\[[\d:.]+\] (.*)$/.exec(line)?.[1] ?? [])
  return { lines, stdout, stderr, exitCode }
}
