import { readFileSync } from 'node:fs'

/** A file of the page, as a browser is told what it is. */
export interface PageFile {
  readonly type: string
  readonly text: string
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** All there are: what is not named here is not served. */
const names = [
  'figures.js',
  'browser/actions.js',
  'browser/actor-box.js',
  'browser/cluster-layout.js',
  'browser/cluster-picture.js',
  'browser/dom.js',
  'browser/event-list.js',
  'browser/headline.js',
  'browser/icon.svg',
  'browser/index-ladder.js',
  'browser/live-stream.js',
  'browser/main.js',
  'browser/member-table.js',
  'browser/page.css',
  'browser/page.html',
  'browser/pictures.css',
  'browser/plot-scale.js',
  'browser/plot.js',
  'browser/rows.css',
  'browser/stage-table.js',
  'browser/token-form.js',
  'browser/token.js',
  'browser/troupe-layout.js',
  'browser/troupe-picture.js',
] as const

const found = new Map<string, PageFile>()

/** Null: the page has no such file. Read once, when it is first asked for. */
export function pageFile(name: string): PageFile | null {
  const known = found.get(name)
  if (known !== undefined) return known
  if (!names.some((one) => one === name)) return null
  const extension = name.slice(name.lastIndexOf('.') + 1)
  const text = readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
  const file = { type: types[extension] ?? 'application/octet-stream', text }
  found.set(name, file)
  return file
}
