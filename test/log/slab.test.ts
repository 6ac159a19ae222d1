import t from 'tap'
import { BatchBuilder, ENTRY_COMMAND, encodeBatch, sealBatch } from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import {
  Arena,
  batchBytes,
  PIN_CONSENSUS,
  PIN_FSM,
  PIN_LOG,
  pin,
  pinned,
  releaseSlot,
  SLAB_HEADER_BYTES,
  unpin,
} from '../../lib/log/slab.js'

const SLAB = 4096

function arenaOf(maxIdleSlabs = 2, maxPinnedSlabs = 8): Arena {
  return new Arena({ slabBytes: SLAB, maxIdleSlabs, maxPinnedSlabs })
}

/** A batch of one entry that fills most of a slab. */
function large(arena: Arena, fill = 1): BatchRef {
  const builder = new BatchBuilder(arena, 64)
  builder.add(ENTRY_COMMAND, new Uint8Array(3000).fill(fill))
  return sealBatch(builder.finish(), { firstIndex: 1, term: 1, prevTerm: 0, time: 0 })
}

t.test('allocations lie one after the other at offsets divisible by 8', async (t) => {
  const arena = arenaOf()
  const first = arena.allocate(13)
  const second = arena.allocate(1)
  t.equal(first.offset, SLAB_HEADER_BYTES)
  t.equal(second.offset, SLAB_HEADER_BYTES + 16)
  t.equal(first.memory, second.memory)
})

t.test('a slab is used again once nobody holds it', async (t) => {
  const arena = arenaOf()
  for (let round = 0; round < 50; round++) unpin(large(arena), PIN_CONSENSUS)
  t.ok(arena.slabsMade <= 2, `made ${arena.slabsMade} slabs`)
})

t.test('a pinned slab is never rewritten, however slow its reader (S7)', async (t) => {
  const arena = arenaOf()
  const slow = large(arena, 42)
  pin(slow, PIN_FSM)
  unpin(slow, PIN_CONSENSUS)
  const before = new Uint8Array(batchBytes(slow))
  for (let round = 0; round < 50; round++) unpin(large(arena, round), PIN_CONSENSUS)
  t.same(new Uint8Array(batchBytes(slow)), before)
  t.ok(pinned(slow.memory))
  unpin(slow, PIN_FSM)
  t.notOk(pinned(slow.memory))
})

t.test('memory that is allocated and not yet released is not given away', async (t) => {
  const arena = arenaOf()
  const open = arena.allocate(100)
  new Uint8Array(open.memory, open.offset, 100).fill(7)
  for (let round = 0; round < 50; round++) unpin(large(arena, round), PIN_CONSENSUS)
  t.same(new Uint8Array(open.memory, open.offset, 100), new Uint8Array(100).fill(7))
  arena.release(open)
})

t.test('a slab that stays pinned is forgotten past the bound, not waited for', async (t) => {
  const arena = arenaOf(1, 3)
  const kept = Array.from({ length: 10 }, (_, n) => large(arena, n))
  t.equal(arena.slabsMade, 10)
  for (const [n, ref] of kept.entries()) t.equal(batchBytes(ref).at(-1), n)
})

t.test('an allocation larger than a slab has a slab of its own', async (t) => {
  const arena = arenaOf()
  const before = arena.allocate(8)
  const huge = arena.allocate(SLAB * 3)
  t.equal(huge.length, SLAB * 3)
  t.not(huge.memory, before.memory)
  t.equal(arena.allocate(8).memory, before.memory, 'the current slab goes on')
})

t.test('a reader that died loses all its pins and nobody else’s', async (t) => {
  const ref = large(arenaOf())
  pin(ref, PIN_LOG)
  pin(ref, PIN_LOG)
  releaseSlot(ref.memory, PIN_LOG)
  t.ok(pinned(ref.memory))
  unpin(ref, PIN_CONSENSUS)
  t.notOk(pinned(ref.memory))
})

t.test('unpinning what is not pinned is an error', async (t) => {
  const ref = large(arenaOf())
  t.throws(() => unpin(ref, PIN_LOG), { code: 'RAFT_INVARIANT' })
})

t.test('memory that nobody pins takes no notice of pins', async (t) => {
  const entry = { type: ENTRY_COMMAND, data: new Uint8Array(1) }
  const ref = encodeBatch([entry], { firstIndex: 1, term: 1, prevTerm: 0, time: 0 })
  const before = new Uint8Array(batchBytes(ref))
  pin(ref, PIN_LOG)
  unpin(ref, PIN_FSM)
  t.same(new Uint8Array(batchBytes(ref)), before)
})
