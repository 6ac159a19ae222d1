import t from 'tap'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { commandsOf, FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

const refused = {
  name: 'CommandError',
  message: 'no',
  code: 'NO',
  details: null,
  stack: null,
  cause: null,
}

t.test('the commands get consecutive indexes and a result each', async (t) => {
  const consensus = new FakeConsensus().lead()
  const before = consensus.applier.apply(bytes('before'))
  const batch = consensus.applier.applyBatch([bytes('a'), bytes('b'), bytes('c')], {})
  const after = consensus.applier.apply(bytes('after'))
  await burst()
  const proposal = consensus.only('propose')
  t.strictSame(commandsOf(proposal), ['before', 'a', 'b', 'c', 'after'])
  consensus.apply(proposal, [{ index: 12, error: refused }])
  t.match(await before, { index: 10, result: 'before' })
  t.match(await after, { index: 14, result: 'after' })
  const { firstIndex, term, results } = await batch
  t.strictSame([firstIndex, term, results.length], [11, 2, 3])
  t.strictSame(
    [results[0], results[2]],
    [
      { ok: true, value: 'a' },
      { ok: true, value: 'c' },
    ],
  )
  t.match(results[1], {
    ok: false,
    error: { code: 'RAFT_COMMAND_REJECTED', details: { index: 12 } },
  })
})

t.test('a batch that does not fit beside what is there begins a new one', async (t) => {
  const consensus = new FakeConsensus({ maxBatchEntries: 3 }).lead()
  consensus.applier.apply(bytes('1'))
  consensus.applier.apply(bytes('2'))
  consensus.applier.applyBatch([bytes('a'), bytes('b')], {})
  await burst()
  t.strictSame(consensus.take('propose').map(commandsOf), [
    ['1', '2'],
    ['a', 'b'],
  ])
})

t.test('more than a batch may hold, or nothing, is refused', async (t) => {
  const consensus = new FakeConsensus({ maxBatchEntries: 2, maxBatchBytes: 1024 }).lead()
  const apply = (sizes: number[]) =>
    consensus.applier.applyBatch(
      sizes.map((size) => new Uint8Array(size)),
      {},
    )
  t.match(await errorOf(apply([1, 1, 1])), {
    code: 'RAFT_ENTRY_TOO_LARGE',
    details: { limit: 'maxBatchEntries', size: 3 },
  })
  t.match(await errorOf(apply([600, 600])), { details: { limit: 'maxBatchBytes' } })
  t.match(await errorOf(apply([5_000_000])), { details: { limit: 'maxEntryBytes' } })
  t.equal(await fateOf(apply([])), 'RAFT_CONFIG_INVALID rejected')
  apply([4000])
  await burst()
  t.equal(consensus.take('propose').length, 1, 'a single command may be larger than a batch')
  t.equal(consensus.side.budget.entries, 1)
})

t.test('the batch fails as one', async (t) => {
  const consensus = new FakeConsensus().lead()
  const batch = consensus.applier.applyBatch([bytes('a'), bytes('b')], {})
  await burst()
  consensus.fail(consensus.only('propose').proposal, 'leadershipLost', 'unknown')
  t.equal(await fateOf(batch), 'RAFT_LEADERSHIP_LOST unknown')
})

t.test('a batch out of time leaves as a whole, and the indexes of others close up', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  consensus.applier.apply(bytes('first'))
  await burst()
  const first = consensus.only('propose')
  const before = consensus.applier.apply(bytes('before'))
  const gone = fateOf(consensus.applier.applyBatch([bytes('x'), bytes('y')], { timeoutMs: 30 }))
  const kept = consensus.applier.applyBatch([bytes('a'), bytes('b')], {})
  const after = consensus.applier.apply(bytes('after'))
  await consensus.time.advance(50)
  t.equal(await gone, 'RAFT_TIMEOUT rejected')
  consensus.flush(first.proposal)
  await burst()
  const second = consensus.only('propose')
  t.strictSame(commandsOf(second), ['before', 'a', 'b', 'after'])
  consensus.apply(second, [{ index: 12, error: refused }])
  t.match(await before, { index: 10, result: 'before' })
  t.match(await kept, {
    firstIndex: 11,
    results: [{ ok: true, value: 'a' }, { ok: false }],
  })
  t.match(await after, { index: 13, result: 'after' })
})

t.test('not leading, the batch is refused', async (t) => {
  const consensus = new FakeConsensus().follow('n2')
  const batch = consensus.applier.applyBatch([bytes('a')], {})
  t.equal(await fateOf(batch), 'RAFT_NOT_LEADER rejected')
})
