/**
 * Where a module is that a thread loads by its URL, for programs whose bundler has moved it. `name` is that
 * of its file without extension and without `-actor`, `url` where it would be looked for.
 */
export type ModuleUrl = (name: string, url: URL) => URL | string

/** The place that the program names, else the usual one. */
export function locate(moduleUrl: ModuleUrl | undefined, url: URL): URL {
  if (moduleUrl === undefined) return url
  return new URL(moduleUrl(moduleName(url), url), url)
}

function moduleName({ pathname }: URL): string {
  const file = pathname.slice(pathname.lastIndexOf('/') + 1)
  return file.replace(/\.[cm]?[jt]s$/, '').replace(/-actor$|-main$/, '')
}
