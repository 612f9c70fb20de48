import { findProject } from '../discovery/packages.ts'
import { isPlugin } from '../lint/application.ts'
import type { Finding } from '../lint/finding.ts'
import { checkInForce } from '../lint/lint-in-force.ts'
import { type Checked, checkPackage } from '../lint/lint-package.ts'
import type { Flags } from './arguments.ts'
import { loadSets } from './sets.ts'

/** Checks everything in force for the application in this folder, and the plugin that it is, if it is one. */
export async function checkHere(flags: Flags): Promise<readonly Checked[]> {
  const { registry, problems, unmatchedExcludes } = await loadSets(flags)
  const sets = registry.listEventSets().map((set) => ({ set, source: registry.getSource(set.name) }))
  const inForce = checkInForce({ sets, problems, unmatchedExcludes })
  const { project } = findProject(process.cwd())
  if (project === undefined || !isPlugin(project.manifest)) return [inForce]
  const own = await checkPackage(project.folder)
  // Its sets are in force here, so much is found twice.
  const known = new Set(own.findings.map(placeOf))
  const others = inForce.findings.filter((finding) => !known.has(placeOf(finding)))
  return [own, { ...inForce, findings: others }]
}

function placeOf({ code, file, line, column, path }: Finding): string {
  return JSON.stringify([code, file, line, column, path])
}
