import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCommand } from '../../../test/servers/command.ts'

export const hasOpenssl = hasCommand('openssl', 'TLS')

/** Paths of a certificate for this machine, and of the authority that has signed it. */
export interface Certificate {
  readonly authorityPath: string
  readonly authority: string
  readonly path: string
  readonly keyPath: string
}

/** @param folder Where it is written. */
export function createCertificate(folder: string): Certificate {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    'authority.key',
    '-out',
    'authority.pem',
    '-subj',
    '/CN=authority',
  )
  openssl('req', ...curve, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server')
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const signing = ['-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing)
  const authorityPath = join(folder, 'authority.pem')
  return {
    authorityPath,
    authority: readFileSync(authorityPath, 'utf8'),
    path: join(folder, 'server.pem'),
    keyPath: join(folder, 'server.key'),
  }
}
