// fastify: its own logger is pino, so the transport goes into the option it already has.
import { readFile } from 'node:fs/promises'
import fastify from 'fastify'

const app = fastify({
  logger: { transport: { target: 'eventsets', options: { hideObject: true, ignore: 'pid,hostname' } } },
})

app.get('/hello', async () => ({ hello: 'world' }))
app.get('/terms', async () => readFile('terms-that-are-missing.txt'))

const url = await app.listen({ port: 0, host: '127.0.0.1' })
await fetch(`${url}/hello`)
await fetch(`${url}/terms`)
await fetch(`${url}/nobody-is-here`)
await app.close()
