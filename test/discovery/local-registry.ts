import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, relative, sep } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** A registry on this machine, so that package managers can install without any other one. */
export interface LocalRegistry {
  readonly url: string
  /** Makes a package out of files by their paths; `package.json` is one of them. */
  publish(files: { readonly [path: string]: string | Buffer }): Promise<void>
  /** Makes a package out of a tarball. */
  publishTarball(tarball: Buffer, packageJson: PackageJson): void
  /** Makes packages out of what is installed: those of these names, and all that they depend on. */
  publishInstalled(names: readonly string[], from: string): Promise<void>
  close(): Promise<void>
}

export interface PackageJson {
  readonly name: string
  readonly version: string
  readonly dependencies?: { readonly [name: string]: string }
}

/** Every package that has been published, by its name, and every version of it. */
type Packages = Map<string, Map<string, { readonly packageJson: PackageJson; readonly tarball: Buffer }>>

export async function startRegistry(): Promise<LocalRegistry> {
  const packages: Packages = new Map()
  const server = createServer((request, response) => answer(packages, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const publishTarball = (tarball: Buffer, packageJson: PackageJson) => {
    const versions = packages.get(packageJson.name) ?? new Map()
    packages.set(packageJson.name, versions.set(packageJson.version, { packageJson, tarball }))
  }
  const publish = async (files: { readonly [path: string]: string | Buffer }) => {
    const packageJson = JSON.parse(String(files['package.json'])) as PackageJson
    publishTarball(await packFiles(files), packageJson)
  }
  const seen = new Set<string>()
  const publishInstalled = async (names: readonly string[], from: string): Promise<void> => {
    for (const name of names) {
      const folder = findInstalled(name, from)
      // Optional ones need not be there.
      if (folder === undefined || seen.has(folder)) continue
      seen.add(folder)
      const files = readFiles(folder)
      await publish(files)
      const { dependencies = {} } = JSON.parse(String(files['package.json'])) as PackageJson
      await publishInstalled(Object.keys(dependencies), folder)
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    publish,
    publishTarball,
    publishInstalled,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(packages: Packages, { url = '/', headers }: IncomingMessage, response: ServerResponse): void {
  const [path = '', file] = decodeURIComponent(url.slice(1)).split('/-/')
  const versions = packages.get(path)
  const found = file === undefined ? undefined : versions?.get(file.replace(/\.tgz$/, ''))
  if (found) response.end(found.tarball)
  else if (versions === undefined || file !== undefined) response.writeHead(404).end('{}')
  else {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(describe(path, versions, `http://${headers.host}`)))
  }
}

/** What a registry says of a package, as far as package managers ask for it. */
function describe(
  name: string,
  published: ReadonlyMap<string, { readonly packageJson: PackageJson; readonly tarball: Buffer }>,
  host: string,
): object {
  const hash = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes)
  const versions = [...published].map(([version, { packageJson, tarball }]) => [
    version,
    {
      ...packageJson,
      dist: {
        tarball: `${host}/${name}/-/${version}.tgz`,
        shasum: hash('sha1', tarball).digest('hex'),
        integrity: `sha512-${hash('sha512', tarball).digest('base64')}`,
      },
    },
  ])
  // Some managers shun what is only a few days old.
  const time = Object.fromEntries(
    [...published.keys()].map((version) => [version, '2020-01-01T00:00:00.000Z']),
  )
  return {
    name,
    'dist-tags': { latest: [...published.keys()].at(-1) },
    versions: Object.fromEntries(versions),
    time,
  }
}

async function packFiles(files: { readonly [path: string]: string | Buffer }): Promise<Buffer> {
  const tar = pack()
  for (const [path, content] of Object.entries(files)) {
    tar.entry({ name: `package/${path}`, mtime: new Date(0), mode: 0o755 }, content)
  }
  tar.finalize()
  return gzipSync(await buffer(tar), { level: 1 })
}

function findInstalled(name: string, from: string): string | undefined {
  const folder = join(from, 'node_modules', name)
  if (existsSync(join(folder, 'package.json'))) return folder
  return dirname(from) === from ? undefined : findInstalled(name, dirname(from))
}

function readFiles(folder: string): { [path: string]: Buffer } {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter((path) => !path.startsWith('node_modules/'))
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path))]))
}
