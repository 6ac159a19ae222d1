import t from 'tap'
import { readHeader, sealBatch } from '../../../lib/log/batch.js'
import { batchBytes } from '../../../lib/log/slab.js'
import { ConsensusBench } from './support/consensus-bench.js'

/** Leader time of the batches that the log was told to append. */
function times(bench: ConsensusBench): readonly number[] {
  const batches = bench.log.take('append').flatMap((message) => message.batches)
  return batches.map((ref) => readHeader(batchBytes(ref)).time)
}

function proposeAt(bench: ConsensusBench, wallClock: number): number {
  bench.context.wallClock = () => wallClock
  bench.propose()
  return times(bench).at(-1) ?? Number.NaN
}

t.test(
  'S14: leader time is the leader’s clock, and never decreases when that is set back',
  async (t) => {
    const bench = ConsensusBench.leadingAlone()
    t.equal(proposeAt(bench, 1_000_000), 1_000_000)
    t.equal(proposeAt(bench, 999_000), 1_000_000)
    t.equal(proposeAt(bench, 1_000_001), 1_000_001)
  },
)

t.test('S14: it goes on from what the log held at start', async (t) => {
  const bench = ConsensusBench.leadingAlone({ lastTime: 5_000_000 })
  t.equal(proposeAt(bench, 1_000_000), 5_000_000)
})

t.test('S14: and from the batches of an earlier leader whose clock was ahead', async (t) => {
  const bench = ConsensusBench.leading()
  const term = bench.term + 1
  const { lastLogIndex } = bench.status
  const time = 9_000_000
  const prevTerm = bench.term
  const head = { firstIndex: lastLogIndex + 1, term, prevTerm, time }
  const ahead = sealBatch(bench.body(), head)
  bench.context.wallClock = () => time - 1
  bench.append({ term, prevLogIndex: lastLogIndex, prevLogTerm: bench.term }, [ahead])
  bench.flush()
  bench.pass(5000)
  bench.flush()
  bench.vote()
  t.equal(bench.status.role, 'leader')
  t.ok(times(bench).every((own) => own >= time))
  t.equal(proposeAt(bench, time - 1), time)
})
