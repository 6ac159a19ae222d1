import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createStore, type LmdbStoreOptions } from '../../lib/log/lmdb-store.js'
import { readSealed, sealed } from '../../lib/log/sealed-value.js'
import type { Store } from '../../lib/log/store.js'
import { batchOf } from '../../lib/log/store-contract-tools.js'
import { runSteps } from '../../lib/runtime/steps.js'

function open(dataDir: string, options: LmdbStoreOptions = {}): Promise<Store> {
  return createStore(options, { nodeId: 'n1', dataDir, now: () => 0, warn: () => {} })
}

/** Flips a bit of each place in the data file where `bytes` stands; returns how many there are. */
function damage(dataDir: string, bytes: Uint8Array, offset: number, atMost = 100): number {
  const path = join(dataDir, 'lmdb', 'data.mdb')
  const file = readFileSync(path)
  let found = 0
  for (let at = file.indexOf(bytes); at >= 0 && found < atMost; at = file.indexOf(bytes, at + 1)) {
    file.writeUInt8(file.readUInt8(at + offset) ^ 1, at + offset)
    found++
  }
  writeFileSync(path, file)
  return found
}

async function filled(dataDir: string): Promise<readonly Uint8Array[]> {
  const batches = [batchOf(1, 3, 1, 0, 100), batchOf(4, 6, 1, 1, 9000), batchOf(7, 9, 2, 1, 50)]
  const store = await open(dataDir)
  await store.append(batches)
  await store.flush()
  await store.close()
  return batches.map((batch) => Buffer.from(batch.bytes))
}

t.test('a damaged batch before the last is reported with its index (S15)', async (t) => {
  const dataDir = t.testdir()
  const [, second = new Uint8Array()] = await filled(dataDir)
  t.ok(damage(dataDir, second.subarray(0, 64), 80) > 0)
  const store = await open(dataDir)
  t.throws(() => store.recover(), { code: 'RAFT_CORRUPT', index: 4 })
  await store.close()
})

t.test('a damaged body of the last batch is left out and reported as a floor (S15)', async (t) => {
  const dataDir = t.testdir()
  const [, , third = new Uint8Array()] = await filled(dataDir)
  t.ok(damage(dataDir, third.subarray(0, 64), 80) > 0)
  const store = await open(dataDir)
  const found = { lastIndex: 6, lastTerm: 1, voteFloor: { index: 9, term: 2 } }
  t.match(await store.recover(), found)
  await store.close()
  const again = await open(dataDir)
  t.match(await again.recover(), found, 'until something is flushed')
  await again.append([batchOf(7, 7, 3, 1)])
  await again.flush()
  await again.close()
  const third2 = await open(dataDir)
  t.match(await third2.recover(), { lastIndex: 7, lastTerm: 3, voteFloor: undefined })
  await third2.close()
})

t.test('a damaged header is damage, even of the last batch (S15)', async (t) => {
  const dataDir = t.testdir()
  const [, , third = new Uint8Array()] = await filled(dataDir)
  t.ok(damage(dataDir, third.subarray(0, 64), 20) > 0)
  const store = await open(dataDir)
  t.throws(() => store.recover(), { code: 'RAFT_CORRUPT', index: 7 })
  await store.close()
})

t.test('the two copies of a value lie on different pages, and either will do (S15)', async (t) => {
  const dataDir = t.testdir()
  const payload = Buffer.from('term and vote of a node')
  const store = await open(dataDir)
  await store.set(sealed('x', payload))
  await store.close()
  const file = readFileSync(join(dataDir, 'lmdb', 'data.mdb'))
  const first = file.indexOf(payload)
  const last = file.lastIndexOf(payload)
  t.ok(last - first >= 16_384 - payload.length, 'not on one page')
  t.equal(damage(dataDir, payload, 3, 1), 1)
  const again = await open(dataDir)
  t.same(runSteps(readSealed((key) => again.get(key), 'x')), payload)
  await again.close()
  damage(dataDir, payload, 3)
  const third = await open(dataDir)
  t.throws(() => runSteps(readSealed((key) => third.get(key), 'x')), { code: 'RAFT_CORRUPT' })
  await third.close()
})

t.test(
  'a full file refuses appends, takes everything else, and goes on after compaction',
  async (t) => {
    const dataDir = t.testdir()
    const store = await open(dataDir, { maxFileBytes: 32 << 20 })
    await store.recover()
    let last = 0
    const append = async (count: number): Promise<void> => {
      for (const end = last + count; last < end; last++) {
        await store.append([batchOf(last + 1, last + 1, 1, last === 0 ? 0 : 1, 1 << 18)])
        await store.flush()
      }
    }
    await t.rejects(append(1000), { code: 'RAFT_STORAGE_FULL' })
    t.ok(last > 80, `${last} batches`)
    t.equal(store.hasRoom?.(1 << 18), false)
    t.same(await store.read(last + 1, last + 1, 1), [], 'nothing of the refused append is there')
    for (let n = 0; n < 50; n++) await store.set({ 'a/x': Buffer.from(String(n)) })
    await store.compact(last - 10)
    await store.flush()
    t.equal(store.hasRoom?.(1 << 18), true)
    await append(30)
    await store.close()
    t.ok(store.size() <= 32 << 20)
    const again = await open(dataDir)
    t.match(await again.recover(), { lastIndex: last })
    await again.close()
  },
)

t.test('the file grows far past its first size, and its pages are used again', async (t) => {
  const dataDir = t.testdir()
  const store = await open(dataDir)
  await store.recover()
  const megabyte = 1 << 20
  const grow = async (from: number, to: number): Promise<void> => {
    for (let index = from; index <= to; index++) {
      await store.append([batchOf(index, index, 1, index === 1 ? 0 : 1, megabyte)])
      await store.flush()
      if (index > 20) await store.compact(index - 20)
    }
  }
  await grow(1, 40)
  const size = store.size()
  t.ok(size > 20 * megabyte)
  await grow(41, 120)
  t.ok(store.size() < 2 * size, `${store.size()} bytes after ${size}`)
  await store.close()
})

t.test('a store of a later format is refused', async (t) => {
  const dataDir = t.testdir()
  const store = await open(dataDir)
  await store.set(sealed('format', Buffer.from('2')))
  await store.close()
  await t.rejects(open(dataDir), { code: 'RAFT_CORRUPT', message: /format 1, found 2/ })
  await t.rejects(open(dataDir), { code: 'RAFT_CORRUPT' }, 'and the directory is not left locked')
})
