import t from 'tap'
import { BatchBuilder, ENTRY_COMMAND, sealBatch } from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { LogTail } from '../../lib/log/log-tail.js'
import { Arena, pinned } from '../../lib/log/slab.js'

/** One batch in a slab of its own, so that its pins can be seen. */
function batchOf(firstIndex: number, count: number, term = 1): BatchRef {
  const builder = new BatchBuilder(new Arena({ slabBytes: 4096, maxIdleSlabs: 0 }), 64)
  for (let n = 0; n < count; n++) builder.add(ENTRY_COMMAND, new Uint8Array(92))
  return sealBatch(builder.finish(), { firstIndex, term, prevTerm: term, time: 0 })
}

function tailOf(...batches: readonly BatchRef[]): LogTail {
  const tail = new LogTail(1000)
  for (const batch of batches) tail.append(batch)
  return tail
}

t.test('batches are found by any index they hold', async (t) => {
  const batches = [batchOf(5, 3), batchOf(8, 1), batchOf(9, 4)]
  const tail = tailOf(...batches)
  t.equal(tail.firstIndex, 5)
  t.equal(tail.lastIndex, 12)
  const [first, second, third] = batches
  for (const [index, batch] of [
    [5, first],
    [7, first],
    [8, second],
    [9, third],
    [12, third],
  ] as const) {
    t.equal(tail.find(index), batch, `index ${index}`)
  }
  t.equal(tail.find(4), null)
  t.equal(tail.find(13), null)
})

t.test('a range is whole batches, bounded by index and by bytes', async (t) => {
  const batches = [batchOf(1, 2), batchOf(3, 2), batchOf(5, 2)]
  const tail = tailOf(...batches)
  t.same(
    tail.range(2, 5)?.map((ref) => ref.firstIndex),
    [1, 3, 5],
  )
  t.same(
    tail.range(3, 3)?.map((ref) => ref.firstIndex),
    [3],
  )
  t.same(
    tail.range(3, 100, 1)?.map((ref) => ref.firstIndex),
    [3],
    'at least one',
  )
  t.same(tail.range(7, 9), [], 'not there yet')
  tail.release(2)
  t.equal(tail.range(2, 5), null, 'not held any more')
})

t.test('a batch that does not continue the tail is refused', async (t) => {
  const tail = tailOf(batchOf(5, 3))
  t.throws(() => tail.append(batchOf(9, 1)), { code: 'RAFT_INVARIANT' })
  t.throws(() => tail.append(batchOf(7, 3)), { code: 'RAFT_INVARIANT' })
})

t.test(
  'truncation moves the end, lets the batches go, and touches no byte of them (S7)',
  async (t) => {
    const [kept, cut] = [batchOf(1, 3), batchOf(4, 2)]
    const before = new Uint8Array(cut.memory).slice(256)
    const tail = tailOf(kept, cut)
    tail.truncate(4)
    t.equal(tail.lastIndex, 3)
    t.equal(tail.bytes, kept.length)
    t.ok(pinned(kept.memory))
    t.notOk(pinned(cut.memory))
    t.same(new Uint8Array(cut.memory).slice(256), before)
    tail.append(batchOf(4, 1, 2))
    t.equal(tail.find(4)?.term, 2)
    t.equal(tail.find(5), null)
  },
)

t.test('truncation inside a batch is an error, before the tail it empties it (S6)', async (t) => {
  const tail = tailOf(batchOf(10, 3), batchOf(13, 3))
  t.throws(() => tail.truncate(14), { code: 'RAFT_INVARIANT' })
  tail.truncate(5)
  t.equal(tail.firstIndex, null)
  t.equal(tail.bytes, 0)
  t.throws(() => tail.append(batchOf(10, 1)), { code: 'RAFT_INVARIANT' })
  tail.append(batchOf(5, 1))
  t.equal(tail.lastIndex, 5)
})

t.test('after a reset the first batch may begin below it and must end above it (S6)', async (t) => {
  const tail = tailOf(batchOf(1, 3))
  tail.reset(10)
  t.same(tail.range(11, 20), [])
  t.throws(() => tail.append(batchOf(8, 3)), { code: 'RAFT_INVARIANT' })
  tail.append(batchOf(8, 5))
  t.equal(tail.lastIndex, 12)
})

t.test('over its bound the tail lets the oldest go, but none that is still needed', async (t) => {
  const batches = Array.from({ length: 10 }, (_, n) => batchOf(1 + n * 3, 3))
  const tail = tailOf(...batches)
  tail.evict(6)
  t.equal(tail.firstIndex, 7, 'what reaches past the floor stays, whatever the bytes')
  tail.evict(100)
  t.ok(tail.bytes <= 1000)
  t.equal(tail.lastIndex, 30)
  for (const ref of batches) t.equal(pinned(ref.memory), tail.find(ref.firstIndex) === ref)
})

t.test('long runs of appends and releases keep every batch in its place', async (t) => {
  const tail = new LogTail(Number.MAX_SAFE_INTEGER)
  const head = { term: 1, prevTerm: 1, pinned: false, length: 10, offset: 0 }
  const memory = new SharedArrayBuffer(8)
  let released = 0
  for (let index = 1; index <= 5000; index++) {
    tail.append({ ...head, memory, firstIndex: index, count: 1 })
    if (index % 3 === 0) tail.release(++released)
    if (tail.find(index)?.firstIndex !== index) t.fail(`index ${index}`)
    if (tail.find(released + 1)?.firstIndex !== released + 1) t.fail(`first at ${index}`)
  }
  t.equal(tail.firstIndex, released + 1)
  t.equal(tail.batches, 5000 - released)
})
