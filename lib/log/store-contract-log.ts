import type { CheckBody } from './store-contract.js'
import {
  ALL,
  batchOf,
  expect,
  expectBatches,
  expectLog,
  expectRefusal,
} from './store-contract-tools.js'

const START = { index: 0, term: 0 }

/** The checks of a store's log. */
export const logChecks: readonly CheckBody[] = [
  {
    name: 'an empty store has an empty log',
    body: async (place) => {
      const { store, log } = await place.open()
      expectLog(log, START, [])
      expectBatches(await store.read(1, ALL, ALL), [], 'reading an empty log')
    },
  },
  {
    name: 'flushed batches are there, byte for byte, after a crash',
    body: async (place) => {
      const batches = [batchOf(1, 3, 1, 0), batchOf(4, 4, 2, 1, 0), batchOf(5, 9, 2, 2)]
      const { store } = await place.open()
      await store.append(batches.slice(0, 2))
      await store.append(batches.slice(2))
      await store.flush()
      expectBatches(await store.read(1, ALL, ALL), batches, 'before the crash')
      const after = await place.open()
      expectLog(after.log, START, batches)
      expectBatches(await after.store.read(1, ALL, ALL), batches, 'after the crash')
    },
  },
  {
    name: 'staged batches are read, and are gone after a crash',
    body: async (place) => {
      const flushed = batchOf(1, 3, 1, 0)
      const staged = batchOf(4, 5, 1, 1)
      const { store } = await place.open()
      await store.append([flushed])
      await store.flush()
      await store.append([staged])
      expectBatches(await store.read(1, ALL, ALL), [flushed, staged], 'with staged batches')
      expectLog((await place.open()).log, START, [flushed])
    },
  },
  {
    name: 'reading gives whole batches from the one that holds the index',
    body: async (place) => {
      const batches = [batchOf(1, 4, 1, 0), batchOf(5, 6, 1, 1), batchOf(7, 9, 1, 1)]
      const [first, second, third] = batches as [never, never, never]
      const { store } = await place.open()
      await store.append(batches)
      await store.flush()
      expectBatches(await store.read(3, ALL, ALL), batches, 'from inside the first')
      expectBatches(await store.read(5, 6, ALL), [second], 'exactly the second')
      expectBatches(await store.read(2, 5, ALL), [first, second], 'up to inside the second')
      expectBatches(await store.read(6, ALL, 1), [second], 'at least one batch')
      expectBatches(await store.read(9, ALL, ALL), [third], 'the last entry')
      expectBatches(await store.read(10, ALL, ALL), [], 'behind the end')
    },
  },
  {
    name: 'the memory of a batch is the caller’s again after the flush, and reads are copies',
    body: async (place) => {
      const batch = batchOf(1, 2, 1, 0)
      const original = { ...batch, bytes: new Uint8Array(batch.bytes) }
      const { store } = await place.open()
      await store.append([batch])
      await store.flush()
      batch.bytes.fill(0)
      const [read] = await store.read(1, ALL, ALL)
      expectBatches(read === undefined ? [] : [read], [original], 'after the memory was reused')
      read?.bytes.fill(0)
      expectBatches(await store.read(1, ALL, ALL), [original], 'after a read was overwritten')
    },
  },
  {
    name: 'a batch that does not continue the log is refused',
    body: async (place) => {
      const { store } = await place.open()
      await store.append([batchOf(1, 3, 1, 0)])
      await expectRefusal(() => store.append([batchOf(5, 6, 1, 1)]), 'a gap')
    },
  },
  {
    name: 'truncation drops whole batches, and others take their place, in one flush',
    body: async (place) => {
      const kept = batchOf(1, 3, 1, 0)
      const other = batchOf(4, 7, 3, 1)
      const { store } = await place.open()
      await store.append([kept, batchOf(4, 5, 1, 1), batchOf(6, 8, 2, 1)])
      await store.flush()
      await store.truncate(4)
      expectBatches(await store.read(1, ALL, ALL), [kept], 'with a staged truncation')
      await store.append([other])
      await store.flush()
      const after = await place.open()
      expectLog(after.log, START, [kept, other])
      expectBatches(await after.store.read(1, ALL, ALL), [kept, other], 'after the crash')
    },
  },
  {
    name: 'a truncation that is not flushed is undone by a crash',
    body: async (place) => {
      const batches = [batchOf(1, 3, 1, 0), batchOf(4, 5, 1, 1)]
      const { store } = await place.open()
      await store.append(batches)
      await store.flush()
      await store.truncate(1)
      expectLog((await place.open()).log, START, batches)
    },
  },
  {
    name: 'a truncation inside a batch is refused (S6)',
    body: async (place) => {
      const { store } = await place.open()
      await store.append([batchOf(1, 3, 1, 0)])
      await store.flush()
      await expectRefusal(() => store.truncate(2), 'a truncation inside a batch')
    },
  },
  {
    name: 'compaction drops what ends at or below the index and keeps a batch that reaches past it',
    body: async (place) => {
      const kept = [batchOf(4, 7, 2, 1), batchOf(8, 9, 3, 2)]
      const { store } = await place.open()
      await store.append([batchOf(1, 3, 1, 0), ...kept])
      await store.flush()
      await store.compact(5)
      await store.flush()
      expectBatches(await store.read(3, ALL, ALL), [], 'reading what was compacted')
      expectBatches(await store.read(4, ALL, ALL), kept, 'reading what was kept')
      expectLog((await place.open()).log, START, kept)
    },
  },
  {
    name: 'a log that was compacted to its end goes on from there',
    body: async (place) => {
      const { store } = await place.open()
      await store.append([batchOf(1, 3, 1, 0), batchOf(4, 6, 2, 1)])
      await store.compact(6)
      await store.flush()
      const after = await place.open()
      expectLog(after.log, { index: 6, term: 2 }, [])
      const next = batchOf(7, 8, 2, 2)
      await after.store.append([next])
      await after.store.flush()
      expectLog((await place.open()).log, START, [next])
    },
  },
  {
    name: 'compaction of very many batches ends with all of them gone',
    body: async (place) => {
      const { store } = await place.open()
      for (let index = 1; index <= 1000; index++) {
        await store.append([batchOf(index, index, 1, index === 1 ? 0 : 1)])
      }
      await store.flush()
      await store.compact(999)
      await store.flush()
      const last = batchOf(1000, 1000, 1, 1)
      expectBatches(await store.read(1000, ALL, ALL), [last], 'after compaction')
      expectBatches(await store.read(999, ALL, ALL), [], 'reading what was compacted')
      expectLog((await place.open()).log, START, [last])
    },
  },
  {
    name: 'a reset empties the log, which goes on behind a snapshot',
    body: async (place) => {
      const { store } = await place.open()
      await store.append([batchOf(1, 3, 1, 0), batchOf(4, 6, 1, 1)])
      await store.flush()
      await store.reset(40, 5)
      await store.flush()
      const empty = await place.open()
      expectLog(empty.log, { index: 40, term: 5 }, [])
      expectBatches(await empty.store.read(1, ALL, ALL), [], 'after the reset')
      const next = batchOf(41, 44, 6, 5)
      await empty.store.append([next])
      await empty.store.flush()
      const after = await place.open()
      expectLog(after.log, START, [next])
      expectBatches(await after.store.read(42, ALL, ALL), [next], 'behind the snapshot')
    },
  },
  {
    name: 'the first batch after a reset may begin below it (S6)',
    body: async (place) => {
      const batch = batchOf(38, 44, 5, 4)
      const { store } = await place.open()
      await store.append([batchOf(1, 39, 1, 0)])
      await store.flush()
      await store.reset(40, 5)
      await store.append([batch])
      await store.flush()
      const after = await place.open()
      expectLog(after.log, START, [batch])
      expectBatches(await after.store.read(41, ALL, ALL), [batch], 'from above the snapshot')
    },
  },
  {
    name: 'a batch that begins below a reset and ends below it is refused',
    body: async (place) => {
      const { store } = await place.open()
      await store.reset(40, 5)
      await expectRefusal(() => store.append([batchOf(38, 40, 5, 4)]), 'a batch below the log')
    },
  },
  {
    name: 'indexes and terms have no 32-bit limit',
    body: async (place) => {
      const base = 2 ** 40
      const batches = [
        batchOf(base + 1, base + 300, 2 ** 33, 7),
        batchOf(base + 301, base + 302, 2 ** 34, 2 ** 33),
      ]
      const { store } = await place.open()
      await store.reset(base, 7)
      await store.append(batches)
      await store.flush()
      const after = await place.open()
      expectLog(after.log, START, batches)
      expectBatches(await after.store.read(base + 301, ALL, ALL), batches.slice(1), 'far out')
    },
  },
  {
    name: 'a batch of many megabytes is stored whole',
    body: async (place) => {
      const batch = batchOf(1, 3, 1, 0, 3 * 1024 * 1024)
      const { store } = await place.open()
      await store.append([batch])
      await store.flush()
      const after = await place.open()
      expectBatches(await after.store.read(2, ALL, 1), [batch], 'a large batch')
      expect(after.store.size() > 0, 'a store that holds something has a size', after.store.size())
    },
  },
]
