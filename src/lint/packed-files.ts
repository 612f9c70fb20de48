import { isPlainObject } from '../core/shape.ts'

/** The files of a package that npm would publish, as paths from its folder with "/". */
export async function listPackedFiles(
  folder: string,
  manifest: { readonly [key: string]: unknown },
): Promise<ReadonlySet<string>> {
  const { default: packlist } = await import('npm-packlist')
  const tree = { path: folder, package: tidy(manifest), isProjectRoot: true, edgesOut: new Map() }
  // Of npm's tree of packages it reads no more than this, but its types ask for all of it.
  return new Set(await packlist(tree as never))
}

/** What npm goes by, without what it does not expect: it would throw where nobody can catch it. */
function tidy({ files, main, browser, bin }: { readonly [key: string]: unknown }) {
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  return {
    ...(Array.isArray(files) ? { files: files.filter(isText) } : {}),
    ...(isText(main) ? { main } : {}),
    ...(isText(browser) ? { browser } : {}),
    ...(isText(bin) ? { bin: { bin } } : {}),
    ...(isPlainObject(bin)
      ? { bin: Object.fromEntries(Object.entries(bin).filter(([, path]) => isText(path))) }
      : {}),
  }
}
