// The transport: one line of a pino logger, and its log lines carry markers.
import { createServer } from 'node:http'
import pino from 'pino'
import pinoHttp from 'pino-http'

const log = pino({
  transport: { target: 'eventsets', options: { ignore: 'pid,hostname,req,res,responseTime' } },
})
const httpLog = pinoHttp({ logger: log })

const server = createServer((req, res) => {
  httpLog(req, res)
  res.writeHead(req.url === '/hello' ? 200 : 404).end()
})

server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`
  await fetch(`${url}/hello`)
  await fetch(`${url}/hello`, { method: 'POST', body: 'hello' })
  await fetch(`${url}/nobody-is-here`)
  server.close()
})
