import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { discoverEventSets } from '../../src/discovery/discover.ts'
import { createRegistry } from '../../src/discovery/process-registry.ts'
import type { Finding } from '../../src/lint/index.ts'
import { lintSetFile } from '../../src/lint/lint-file.ts'
import { checkInForce } from '../../src/lint/lint-in-force.ts'
import { lintPackage } from '../../src/lint/lint-package.ts'
import type { Example } from '../../src/lint/rule.ts'

/** A folder with these files, which is removed with the test. What is no text and no bytes is written as JSON. */
export function makeFolder(files: Example['files']): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eventsets-lint-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    const isRaw = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(file, isRaw ? content : `${JSON.stringify(content, null, 2)}\n`)
  }
  return folder
}

/** What lint says about an example. */
export async function lintExample({ files, target }: Example): Promise<readonly Finding[]> {
  const folder = makeFolder(files)
  if (target === '.') return await lintPackage(folder)
  if (target !== undefined) return lintSetFile(join(folder, target))
  return checkInForce(await discoverEventSets({ registry: createRegistry(), cwd: folder })).findings
}

export function codesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code)
}
