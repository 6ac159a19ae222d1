import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { after, now } from '../lib/runtime/clock.js'

/**
 * Runs each test file in a process of its own, and says of each whether all of it passed; the whole output of
 * those that failed. (tap's own runner would put a module hook into every process and thread of the tests, which
 * takes longer than all the rest.)
 *
 *     node dist/test/run.js [--jobs N] [TEXT …]     only the files whose path contains one of the texts
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: String(Math.min(availableParallelism(), 4)) } },
})

/** Limit of a file that sets none of its own. tap ends it with a list of what it waits for. */
const FILE_SECONDS = 300
/** Whatever it says, past this it hangs. */
const KILL_MS = 900_000
/** Processes that a file has left behind may hold its output open. */
const LEFT_BEHIND_MS = 2000

const MOST_REAL = 2
/** What these measure is the machine, too: no other integration test runs beside them. */
const DELICATE = ['stalls', 'paused', 'snapshot-memory'].map(
  (name) => `integration/${name}.test.js`,
)

const directory = fileURLToPath(new URL('.', import.meta.url))
const all = testFiles()
const isReal = (file: string) => file.startsWith('integration')
/** The delicate first, as long as there is something else to do beside them. */
const real = [...all.filter(isReal)].sort((a, b) => Number(isDelicate(b)) - Number(isDelicate(a)))
const others = all.filter((file) => !isReal(file))

interface Report {
  readonly file: string
  readonly ok: boolean
  readonly assertions: number
  readonly skipped: number
  readonly output: string
}

const started = now()
const reports: Report[] = []
/** The integration tests that run now. */
const running = new Set<string>()
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, runOneByOne))
summarize()

function isDelicate(file: string): boolean {
  return DELICATE.includes(file)
}

function testFiles(): readonly string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const wanted = (file: string) =>
    positionals.length === 0 || positionals.some((text) => file.includes(text))
  return files.filter((file) => file.endsWith('.test.js') && wanted(file)).sort()
}

async function runOneByOne(): Promise<void> {
  for (;;) {
    const file = nextReal() ?? others.shift()
    if (file === undefined) return
    if (isReal(file)) running.add(file)
    report(await run(file))
    running.delete(file)
  }
}

/** Undefined: none is left, or none may begin now. The last one to end lets the next one begin. */
function nextReal(): string | undefined {
  const [next] = real
  if (next === undefined || running.size >= MOST_REAL) return undefined
  if (running.size > 0 && [next, ...running].some(isDelicate)) return undefined
  return real.shift()
}

async function run(file: string): Promise<Report & { readonly ms: number }> {
  const begun = now()
  const { code, output } = await outputOf(file)
  const counted = /^# \{ total: (\d+)(?:, pass: \d+)?(?:, fail: \d+)?(?:, skip: (\d+))?/m.exec(
    output,
  )
  const assertions = Number(counted?.[1] ?? 0)
  // A file that asserted nothing has not been tested, whatever it exits with.
  const ok = code === 0 && assertions > 0
  return { file, ok, assertions, skipped: Number(counted?.[2] ?? 0), output, ms: now() - begun }
}

function outputOf(
  file: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, ['--enable-source-maps', join(directory, file)], {
    env: { ...process.env, TAP_TIMEOUT: String(FILE_SECONDS) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: KILL_MS,
    killSignal: 'SIGKILL',
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      const patience = after(LEFT_BEHIND_MS, () => {
        child.stdout.destroy()
        child.stderr.destroy()
      })
      child.once('close', () => patience.cancel())
    })
    child.once('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString() }))
  })
}

function report(one: Report & { readonly ms: number }): void {
  reports.push(one)
  const name = one.file.replace(/\.test\.js$/, '')
  const facts = `${one.assertions} assertions, ${(one.ms / 1000).toFixed(1)} s`
  process.stdout.write(`${one.ok ? 'ok' : 'NOT OK'} ${name} (${facts})\n`)
  if (!one.ok) process.stdout.write(`${one.output.replace(/^/gm, '    ')}\n`)
}

function summarize(): void {
  const failed = reports.filter(({ ok }) => !ok)
  const sum = (field: 'assertions' | 'skipped') =>
    reports.reduce((total, one) => total + one[field], 0)
  const seconds = Math.round((now() - started) / 1000)
  process.stdout.write(
    `\n${sum('assertions')} assertions (${sum('skipped')} skipped) in ${seconds} s\n`,
  )
  for (const { file } of failed) process.stdout.write(`failed: ${file}\n`)
  process.stdout.write(`${reports.length - failed.length} passed, ${failed.length} failed\n`)
  if (failed.length > 0 || reports.length === 0) process.exitCode = 1
}
