import type { Problem } from '../core/problem.ts'
import { formatPackage } from '../core/source.ts'

/** What a problem says, without who it is about: a finding has that beside it. */
export function wordProblem({ message, file, package: name, version }: Problem): string {
  const origins = [
    ...(name === undefined ? [] : [`Plugin ${formatPackage(name, version)}: `]),
    ...(file === undefined ? [] : [`In ${file}: `]),
  ]
  const origin = origins.find((start) => message.startsWith(start)) ?? ''
  return message.slice(origin.length).replace(/\.$/, '')
}
