import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface Registry {
  readonly url: string
  close(): Promise<void>
}

/**
 * An npm registry that has this package as it stands in dist/, as if it were published, and sends npm to the usual
 * registry for all others.
 */
export async function openRegistry(root: string, folder: string): Promise<Registry> {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  const tarball = readFileSync(join(folder, packed.filename))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const usual = execFileSync('npm', ['config', 'get', 'registry'], { cwd: folder, encoding: 'utf8' }).trim()

  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    if (path === `/${packed.filename}`) response.end(tarball)
    else if (path === `/${manifest.name}`) {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
      const dist = { tarball: `${url}/${packed.filename}`, integrity }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          name: manifest.name,
          'dist-tags': { latest: manifest.version },
          versions: { [manifest.version]: { ...manifest, dist } },
        }),
      )
    } else response.writeHead(302, { location: `${usual.replace(/\/$/, '')}${path}` }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
