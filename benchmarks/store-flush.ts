import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadStore } from '../lib/log/load.js'
import type { Store } from '../lib/log/store.js'
import { batchOf } from '../lib/log/store-contract-tools.js'
import { lmdbStore, walStore } from '../lib/log/stores.js'

/**
 * How long one flush takes, LMDB and write-ahead log in turn, so that both meet the same disk. Run it
 * directly: node dist/benchmarks/store-flush.js
 */
const SHAPES = [
  [1, 256],
  [64, 256],
  [1024, 256],
  [4096, 16],
] as const
const ROUNDS = 400

interface Subject {
  readonly name: string
  readonly store: Store
  last: number
}

async function open(name: string, dir: string): Promise<Subject> {
  const context = {
    nodeId: 'n1',
    dataDir: join(dir, name),
    now: () => performance.now(),
    warn: (message: string) => process.stderr.write(`${message}\n`),
  }
  const store = await loadStore(name === 'wal' ? walStore() : lmdbStore(), context)
  await store.recover()
  return { name, store, last: 0 }
}

async function timed(call: () => void | Promise<void>): Promise<number> {
  const start = performance.now()
  await call()
  return performance.now() - start
}

async function appendOnce(subject: Subject, count: number, size: number): Promise<number> {
  const { store, last } = subject
  const batch = batchOf(last + 1, last + count, 1, last === 0 ? 0 : 1, size)
  subject.last += count
  const took = await timed(async () => {
    await store.append([batch])
    await store.flush()
  })
  // The write-ahead log makes its next segment between two turns.
  await new Promise(setImmediate)
  return took
}

function report(what: string, name: string, times: number[]): void {
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(3)
  const figures = `p10 ${at(0.1)}  p50 ${at(0.5)}  p90 ${at(0.9)}  p99 ${at(0.99)} ms`
  process.stdout.write(`${what.padEnd(14)} ${name.padEnd(5)} ${figures}\n`)
}

async function measure(
  what: string,
  subjects: readonly Subject[],
  call: (subject: Subject) => Promise<number>,
): Promise<void> {
  const times = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const subject of subjects) times.get(subject)?.push(await call(subject))
  }
  for (const [{ name }, found] of times) report(what, name, found)
}

const dir = await mkdtemp(join(tmpdir(), 'troupe-flush-'))
const subjects = [await open('lmdb', dir), await open('wal', dir)]
try {
  for (const [count, size] of SHAPES) {
    await measure(`${count} x ${size} B`, subjects, (subject) => appendOnce(subject, count, size))
  }
  const vote = { 'a/hard-state': new Uint8Array(80), 'b/hard-state': new Uint8Array(80) }
  await measure('term and vote', subjects, ({ store }) => timed(() => store.set(vote)))
} finally {
  for (const { store } of subjects) await store.close()
  await rm(dir, { recursive: true, force: true })
}
