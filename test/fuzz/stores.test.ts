import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createStore } from '../../lib/log/lmdb-store.js'
import { type Store, StoreCorruptError, type StoredBatch } from '../../lib/log/store.js'
import { ALL } from '../../lib/log/store-contract-tools.js'
import { Prng } from '../../lib/runtime/prng.js'
import { batchesOf, filled, segmentNames } from '../log/wal/support/filled.js'
import { openOn } from '../log/wal/support/history.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: the files of the stores. What is read of a damaged log is where it was, or nothing. */

const refuses = (error: unknown): boolean =>
  error instanceof StoreCorruptError && error.code === 'RAFT_CORRUPT'

const batches = batchesOf([100, 3000, 20, 4000, 100])

function checkPrefix(found: readonly StoredBatch[]): void {
  for (const [i, { firstIndex, bytes }] of found.entries()) {
    const expected = batches[i]
    const same = expected !== undefined && Buffer.from(expected.bytes).equals(bytes)
    if (!same) throw new Error(`another batch at index ${firstIndex}`)
  }
}

const disk = await filled(batches)
const [segment = ''] = segmentNames(disk)
const values = disk.list('/wal').find((name) => !name.endsWith('.wal')) ?? ''

for (const [what, name] of [
  ['a segment', segment],
  ['term and vote', values],
] as const) {
  fuzz({
    name: `the write-ahead log: ${what}`,
    // The first 16 KiB hold everything; what follows is not written yet.
    samples: [disk.inode(`/wal/${name}`).current.subarray(0, 16 * 1024)],
    read: (bytes) => {
      const damaged = disk.copy()
      const file = damaged.inode(`/wal/${name}`)
      const whole = Buffer.concat([bytes, file.current.subarray(16 * 1024)])
      file.current = whole
      file.durable = whole
      const store = openOn(damaged, new Prng(3))
      store.recover()
      checkPrefix(store.read(1, ALL, ALL))
      const value = store.get('a/x') ?? store.get('b/x')
      if (value !== null && Buffer.from(value).toString() !== 'value')
        throw new Error('another value')
    },
    refuses,
    inputs: 500,
  })
}

/** Batches and values lie in the file as they are; around them are pages that LMDB vouches for itself. */
function open(dataDir: string): Promise<Store> {
  return createStore({}, { nodeId: 'n1', dataDir, now: () => 0, warn: () => {} })
}

const dataDir = mkdtempSync(join(tmpdir(), 'troupe-fuzz-'))
t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
const path = join(dataDir, 'lmdb', 'data.mdb')
const store = await open(dataDir)
store.append(batches)
await store.flush()
await store.close()
const good = readFileSync(path)
const second = Buffer.from(batches[1]?.bytes ?? [])

fuzz({
  name: 'batches in LMDB',
  samples: [second],
  read: async (bytes) => {
    const file = Buffer.from(good)
    // In its place: what is longer ends with it, what is shorter leaves its end.
    bytes.copy(file, file.indexOf(second), 0, second.length)
    writeFileSync(path, file)
    const damaged = await open(dataDir)
    try {
      await damaged.recover()
      checkPrefix(await damaged.read(1, ALL, ALL))
    } finally {
      await damaged.close()
    }
  },
  refuses,
  inputs: 100,
})
