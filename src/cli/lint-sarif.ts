import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Location, Log, ReportingDescriptor, Result } from 'sarif'
import type { Finding } from '../lint/finding.ts'
import { rules } from '../lint/rules.ts'
import { toSafeJson } from '../pretty/safe-json.ts'
import { disarmJson } from './ci-commands.ts'
import type { LintReport } from './lint-report.ts'
import { toCell } from './table.ts'
import { readVersion } from './version.ts'

const LEVELS = { error: 'error', warn: 'warning', info: 'note' } as const

/** SARIF 2.1.0, which code scanning and editors read. */
export function formatSarif({ findings }: LintReport): string {
  const found = new Set(findings.map(({ code }) => code))
  const descriptors = rules.filter(({ code }) => found.has(code))
  const indexOf = new Map(descriptors.map(({ code }, index) => [code, index]))
  const urls = new Map(findings.map(({ code, url }) => [code, url]))
  const log: Log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'eventsets',
            version: readVersion(),
            informationUri: 'https://www.npmjs.com/package/eventsets',
            rules: descriptors.map(
              ({ code, title, why, level }): ReportingDescriptor => ({
                id: code,
                shortDescription: { text: title },
                fullDescription: { text: why },
                helpUri: urls.get(code) ?? '',
                defaultConfiguration: { level: LEVELS[level] },
              }),
            ),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => toResult(finding, indexOf.get(finding.code) ?? 0)),
      },
    ],
  }
  return `${disarmJson(toSafeJson(log, 2))}\n`
}

function toResult(finding: Finding, ruleIndex: number): Result {
  const { code, level, message, hint } = finding
  const text = [message, hint ?? ''].map(toCell).filter((part) => part !== '')
  const sentences = text.map((part) => (/[.!?]$/.test(part) ? part : `${part}.`))
  return {
    ruleId: code,
    ruleIndex,
    level: LEVELS[level],
    message: { text: sentences.join(' ') },
    locations: [toLocation(finding)],
  }
}

function toLocation({ file, line, column, path, set, package: owner }: Finding): Location {
  const name = [owner, set, path].filter((part) => part !== undefined && part !== '').join(' ')
  return {
    ...(file === undefined
      ? {}
      : {
          physicalLocation: {
            artifactLocation: { uri: toUri(file) },
            ...(line === undefined ? {} : { region: { startLine: line, startColumn: column ?? 1 } }),
          },
        }),
    ...(name === '' ? {} : { logicalLocations: [{ fullyQualifiedName: name }] }),
  }
}

/** A relative URI for what is in the working directory, as code scanning wants it. */
function toUri(file: string): string {
  // Half a surrogate pair can stand in no URI.
  const whole = file.replace(/\p{Surrogate}/gu, '\ufffd')
  if (isAbsolute(whole)) return pathToFileURL(whole).href
  return whole.split('/').map(encodeURIComponent).join('/')
}
