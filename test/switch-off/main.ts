import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot, readTables } from '../helpers/readme-tables.js'
import type { SwitchOff } from './change.js'
import { changes } from './list.js'

/**
 * Shows that the tests notice: takes one behaviour away at a time from a copy of the build, and runs the
 * test that claims to watch it. Prints a table; ends with 1 if one goes unnoticed. Needs a build:
 *
 *   npm run build && node dist/test/switch-off/main.js [--only R-05 ...]
 */

const TIMEOUT_MS = 120_000

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const list: readonly SwitchOff[] = changes.filter(
  ({ row }) => values.only === undefined || values.only.includes(row),
)

interface Run {
  readonly passed: boolean
  /** What it said of its tests: `ok 1 - name`, `not ok 2 - name`. */
  readonly lines: readonly string[]
}

/** A copy of the build that may be changed, beside links to what it needs. */
function copyOfBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-switch-off-'))
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const name of ['node_modules', 'package.json', 'test', 'lib', 'actors']) {
    symlinkSync(join(projectRoot, name), join(folder, name))
  }
  return folder
}

function run(folder: string, test: string): Promise<Run> {
  const file = join(folder, 'dist', 'test', `${test}.test.js`)
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer)
      const lines = output.match(/^ *(?:not )?ok \d+ - .*$/gm) ?? []
      resolve({ passed: code === 0, lines: lines.map((line) => line.trim()) })
    })
  })
}

/** Everything that is wrong with an entry before anything is run. */
function faultsOf(change: SwitchOff, folder: string): readonly string[] {
  const { row, file, text } = change
  const rows = [...readTables().values()].flat()
  const source = readFileSync(join(folder, 'dist', file), 'utf8')
  const found = source.split(text).length - 1
  const faults: string[] = []
  if (found !== 1) faults.push(`${row}: its text is ${found} times in ${file}, expected once`)
  if (!rows.some((other) => other.row === row)) faults.push(`${row} is no row of the tables`)
  return faults
}

/** What happened, in a word; null when the test failed as it must. */
async function tryOut(change: SwitchOff, folder: string): Promise<string | null> {
  const path = join(folder, 'dist', change.file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    source.replace(change.text, () => change.instead),
  )
  try {
    const { passed, lines } = await run(folder, change.test)
    if (passed) return 'not noticed'
    // A test that does not end, or takes the process with it, is not named as failed.
    const named = lines.filter((line) => line.includes(change.name))
    const failed = named.some((line) => line.startsWith('not'))
    if (named.length > 0 && !failed) return 'another test failed'
    return null
  } finally {
    writeFileSync(path, source)
  }
}

async function main(): Promise<number> {
  const folder = copyOfBuild()
  try {
    const faults = list.flatMap((change) => faultsOf(change, folder))
    for (const test of new Set(list.map((change) => change.test))) {
      if (faults.length > 0) break
      if (!(await run(folder, test)).passed) faults.push(`${test} fails with everything on`)
    }
    if (faults.length > 0) {
      process.stderr.write(`${faults.join('\n')}\n`)
      return 1
    }
    let unnoticed = 0
    process.stdout.write('| Row | Switched off | Test | Result |\n| --- | --- | --- | --- |\n')
    for (const change of list) {
      const problem = await tryOut(change, folder)
      if (problem !== null) unnoticed++
      const { row, off, test, name } = change
      const line = [row, off, `\`${test}\` ${name}`, problem ?? 'fails']
      process.stdout.write(`| ${line.join(' | ')} |\n`)
    }
    process.stderr.write(`${list.length} switched off, ${unnoticed} not noticed\n`)
    return unnoticed > 0 ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
