import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body, as they came. */
  readonly source: string
}

export interface SmtpReceiver {
  /** `smtp://127.0.0.1:1234` */
  readonly url: string
  readonly mails: readonly ReceivedMail[]
}

/** A real mail server for the time of a test. `refuse` gives the answer to a command that it does not take. */
export async function receiveMail(
  refuse: (command: string) => string | undefined = () => undefined,
): Promise<SmtpReceiver> {
  const mails: ReceivedMail[] = []
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let from = ''
    let to: string[] = []
    let source: string | undefined
    let rest = ''
    const say = (line: string) => socket.write(`${line}\r\n`)
    const obey = (command: string) => {
      const refusal = refuse(command)
      if (refusal !== undefined) return say(refusal)
      if (command.startsWith('EHLO')) return say('250 test')
      if (command.startsWith('MAIL FROM:')) from = command.slice(10)
      if (command.startsWith('RCPT TO:')) to.push(command.slice(8))
      if (command === 'DATA') {
        source = ''
        return say('354 go on')
      }
      say(command === 'QUIT' ? '221 bye' : '250 ok')
      if (command === 'QUIT') socket.end()
    }
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (source === undefined) obey(line)
        else if (line === '.') {
          mails.push({ from, to, source })
          source = undefined
          to = []
          say(refuse('.') ?? '250 taken')
        } else source += `${line.replace(/^\.\./, '.')}\n`
      }
    })
    say('220 test')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, mails }
}
