import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Edit, type PlantedBug, plantedBugs } from './planted/index.js'

/**
 * Tests the simulator itself: plants one bug at a time in a copy of the build and runs seeds there until
 * one fails. Prints a table; fails when a bug is not caught. That their texts are in the code is checked by
 * planted.test.ts.
 *
 *     node dist/test/sim/planted-bugs.js [--only TEXT] [--part 1/4] [--seeds 500] [--from 1] [--jobs 2]
 */

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    /** So many parts make up the table; this one is run. */
    part: { type: 'string', default: '1/1' },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    profile: { type: 'string', default: 'all' },
  },
})

const LONGEST_MS = 900_000
const build = fileURLToPath(new URL('../..', import.meta.url))

const copy = copyOfBuild()
try {
  const [part = 1, parts = 1] = options.part.split('/').map(Number)
  const size = Math.ceil(plantedBugs.length / parts)
  const chosen = plantedBugs
    .slice((part - 1) * size, part * size)
    .filter(({ name }) => name.includes(options.only))
  let missed = 0
  process.stdout.write('| Planted bug | Caught after | By the rule |\n| --- | --- | --- |\n')
  for (const bug of chosen) {
    const { after, by } = verdict(bug)
    if (after === null) missed++
    const seeds = after === null ? 'never' : after === 1 ? '1 seed' : `${after} seeds`
    process.stdout.write(`| ${bug.name} | ${seeds} | ${by} |\n`)
  }
  process.stdout.write(`\n${chosen.length - missed} caught, ${missed} not caught\n`)
  if (missed > 0) process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}

interface Verdict {
  /** How many seeds it took; null: not caught. */
  readonly after: number | null
  readonly by: string
}

function verdict({ edits }: PlantedBug): Verdict {
  const before = new Map<string, string>()
  try {
    for (const edit of edits) {
      if (!apply(edit, before)) return { after: null, by: `no such text in ${edit.file}` }
    }
    return simulate()
  } finally {
    for (const [path, text] of before) writeFileSync(path, text)
  }
}

function apply({ file, find, replace }: Edit, before: Map<string, string>): boolean {
  const path = join(copy, 'dist', file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(find)) return false
  if (!before.has(path)) before.set(path, text)
  writeFileSync(
    path,
    text.replaceAll(find, () => replace),
  )
  return true
}

function simulate(): Verdict {
  const { seeds, from, jobs, profile } = options
  const flags = ['--seeds', seeds, '--from', from, '--jobs', jobs, '--profile', profile]
  const main = join(copy, 'dist/lib/sim/main.js')
  const once = ['--first-failure', '--no-shrink']
  const { stdout, signal } = spawnSync(process.execPath, [main, ...once, ...flags], {
    encoding: 'utf8',
    timeout: LONGEST_MS,
    maxBuffer: 2 ** 28,
  })
  if (signal !== null) return { after: null, by: `it ran longer than ${LONGEST_MS} ms` }
  const failure = /^seed (\d+) failed(?: at \d+ ms)?: (.*)$/m.exec(stdout)
  if (failure === null) return { after: null, by: `${seeds} seeds passed` }
  const [, seed, text = ''] = failure
  const [rule = '', detail = ''] = text.split(': ')
  // These two names alone do not say what was found.
  const by = rule === 'invariant' || rule === 'nodes do not fail' ? `${rule}: ${detail}` : rule
  return { after: Number(seed) - Number(from) + 1, by: by.replaceAll('|', '/').slice(0, 90) }
}

/** With what its modules need around it: the package's type and its libraries. */
function copyOfBuild(): string {
  const directory = mkdtempSync(join(tmpdir(), 'planted-bugs-'))
  const root = join(build, '..')
  for (const part of ['lib', 'actors']) {
    cpSync(join(build, part), join(directory, 'dist', part), { recursive: true })
  }
  cpSync(join(root, 'package.json'), join(directory, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  return directory
}
