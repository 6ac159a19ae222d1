import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A test that a row names; without a name it is the whole file. */
export interface TestReference {
  readonly file: string
  readonly name: string | null
}

export interface TableRow {
  readonly row: string
  readonly tests: readonly TestReference[]
  readonly note: string
}

/** The project's folder, above that of the build. */
export const projectRoot = findRoot()

function findRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'test', 'README.md'))) return folder
    if (folder === dirname(folder)) throw new Error('no folder above has test/README.md')
  }
}

export function readText(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8')
}

/** The tables with the columns Row, Test and Here, by the heading above them. */
export function readTables(): ReadonlyMap<string, readonly TableRow[]> {
  const tables = new Map<string, TableRow[]>()
  let heading = ''
  let inTable = false
  for (const line of readText('test/README.md').split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    if (/^\| Row \| Test \| Here \|$/.test(line)) inTable = true
    else if (!line.startsWith('|')) inTable = false
    else if (inTable && !line.startsWith('| ---')) {
      const rows = tables.get(heading) ?? []
      tables.set(heading, [...rows, readRow(line)])
    }
  }
  return tables
}

function readRow(line: string): TableRow {
  const [row = '', tests = '', note = ''] = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())
  return { row, tests: tests === '' ? [] : tests.split('<br>').map(readReference), note }
}

/** `core/leader` is test/core/leader.test.ts; a path with an extension is below test or the project. */
function readReference(text: string): TestReference {
  const [, path = '', name = null] = /^`([^`]+)`(?: (.+))?$/.exec(text) ?? []
  if (!/\.\w+$/.test(path)) return { file: `test/${path}.test.ts`, name }
  const file = existsSync(join(projectRoot, 'test', path)) ? `test/${path}` : path
  return { file, name }
}

/** Whether the file has the text as a string; `…` stands for what a template fills in. */
export function hasTest({ file, name }: TestReference): boolean {
  if (!existsSync(join(projectRoot, file))) return false
  if (name === null) return true
  const source = readText(file)
  const parts = name.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const text = parts.map((part) => part.replaceAll("'", "\\\\?'")).join('\\$\\{[^`]+?\\}')
  return new RegExp(`(['"\`])(?:\\$\\{name\\}: )?${text}\\1`).test(source)
}
