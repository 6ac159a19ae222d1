import t from 'tap'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { commandsOf, FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

t.test('commands of one burst travel in one batch and resolve in order', async (t) => {
  const consensus = new FakeConsensus().lead()
  const results = ['a', 'b', 'c'].map((text) => consensus.applier.apply(bytes(text)))
  t.equal(consensus.told.length, 0, 'nothing is told before the burst is over')
  await burst()
  const proposal = consensus.only('propose')
  t.strictSame(commandsOf(proposal), ['a', 'b', 'c'])
  consensus.apply(proposal)
  t.strictSame(await Promise.all(results), [
    { index: 10, term: 2, result: 'a' },
    { index: 11, term: 2, result: 'b' },
    { index: 12, term: 2, result: 'c' },
  ])
})

t.test('callers that await their way to apply land in the same batch', async (t) => {
  const consensus = new FakeConsensus().lead()
  const caller = async (depth: number): Promise<void> => {
    if (depth > 0) await caller(depth - 1)
    else consensus.applier.apply(bytes('x'))
  }
  for (let i = 0; i < 100; i++) void caller(i % 3)
  await burst()
  t.equal(consensus.only('propose').batch.count, 100)
})

t.test('past maxUnflushedBatches commands gather until one is flushed', async (t) => {
  const consensus = new FakeConsensus().lead()
  for (const text of ['1', '2', '3', '4']) {
    consensus.applier.apply(bytes(text))
    await burst()
  }
  const [first, second, ...more] = consensus.take('propose')
  t.strictSame(
    [first, second].map((p) => p && commandsOf(p)),
    [['1'], ['2']],
  )
  t.equal(more.length, 0)
  consensus.flush(first?.proposal ?? 0)
  await burst()
  t.strictSame(commandsOf(consensus.only('propose')), ['3', '4'])
})

t.test('a flush covers the proposals before it', async (t) => {
  const consensus = new FakeConsensus().lead()
  for (const text of ['1', '2', '3']) {
    consensus.applier.apply(bytes(text))
    await burst()
  }
  const [, second] = consensus.take('propose')
  consensus.flush(second?.proposal ?? 0)
  await burst()
  t.equal(consensus.take('propose').length, 1)
})

t.test('what the others commit before it is flushed here holds up no further batch', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  for (let i = 0; i < 5; i++) {
    const result = consensus.applier.apply(bytes(`${i}`))
    await burst()
    const proposal = consensus.only('propose')
    t.strictSame(commandsOf(proposal), [`${i}`])
    consensus.apply(proposal)
    await result
  }
})

t.test('but only so many bytes of it; a flush lets more go', async (t) => {
  const limits = { maxEntryBytes: 1024, maxBatchBytes: 1024, maxAppendBytes: 1024 }
  const lag = { maxApplyLagBytes: 3000, maxApplyAheadBytes: 3000 }
  const consensus = new FakeConsensus({ ...limits, ...lag, maxUnflushedBatches: 1 }).lead()
  const told: number[] = []
  for (let i = 0; i < 5; i++) {
    void consensus.applier.apply(new Uint8Array(900))
    await burst()
    for (const proposal of consensus.take('propose')) {
      told.push(proposal.proposal)
      consensus.apply(proposal)
    }
  }
  t.equal(told.length, 4, 'three that were overtaken, and the one that waits')
  consensus.flush(told[0] ?? 0)
  await burst()
  t.equal(consensus.take('propose').length, 0, 'the last one is still waiting')
  consensus.flush(told[3] ?? 0)
  await burst()
  t.equal(consensus.take('propose').length, 1)
})

t.test('a failed proposal makes room for the next batch', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  const first = consensus.applier.apply(bytes('1'))
  await burst()
  consensus.applier.apply(bytes('2'))
  await burst()
  consensus.fail(consensus.only('propose').proposal, 'storageFull', 'rejected')
  t.equal(await fateOf(first), 'RAFT_STORAGE_FULL rejected')
  await burst()
  t.strictSame(commandsOf(consensus.only('propose')), ['2'])
})

t.test('a batch is closed before it would exceed its limits', async (t) => {
  const consensus = new FakeConsensus({ maxBatchEntries: 2, maxUnflushedBatches: 4 }).lead()
  for (let i = 0; i < 5; i++) consensus.applier.apply(bytes(`${i}`))
  await burst()
  t.strictSame(consensus.take('propose').map(commandsOf), [['0', '1'], ['2', '3'], ['4']])

  const small = new FakeConsensus({ maxBatchBytes: 1024, maxUnflushedBatches: 4 }).lead()
  for (let i = 0; i < 3; i++) small.applier.apply(new Uint8Array(600))
  small.applier.apply(new Uint8Array(5000))
  await burst()
  t.strictSame(
    small.take('propose').map(({ batch }) => batch.count),
    [1, 1, 1, 1],
    'a larger command makes a batch of its own',
  )
})

t.test('the bytes are copied before apply returns', async (t) => {
  const consensus = new FakeConsensus().lead()
  const command = new Uint8Array(Buffer.from('before'))
  consensus.applier.apply(command)
  command.set(Buffer.from('after!'))
  await burst()
  t.strictSame(commandsOf(consensus.only('propose')), ['before'])
})

t.test('a refused command rejects, its neighbours resolve', async (t) => {
  const consensus = new FakeConsensus().lead()
  const results = ['a', 'b', 'c'].map((text) => consensus.applier.apply(bytes(text)))
  await burst()
  const error = {
    name: 'CommandError',
    message: 'no',
    code: 'TAKEN',
    details: { by: 7 },
    stack: null,
    cause: null,
  }
  consensus.apply(consensus.only('propose'), [{ index: 11, error }])
  const [first, second, third] = await Promise.allSettled(results)
  t.match(first, { value: { index: 10, result: 'a' } })
  t.match(third, { value: { index: 12, result: 'c' } })
  t.match(second, {
    reason: {
      code: 'RAFT_COMMAND_REJECTED',
      outcome: 'committed',
      details: { index: 11, code: 'TAKEN', details: { by: 7 } },
      cause: { name: 'CommandError', code: 'TAKEN', message: 'no' },
    },
  })
})

t.test('a batch without results resolves with undefined', async (t) => {
  const consensus = new FakeConsensus().lead()
  const result = consensus.applier.apply(bytes('a'))
  await burst()
  const { proposal } = consensus.only('propose')
  consensus.accept(proposal, 1)
  consensus.reply({ kind: 'proposalApplied', proposal, results: null })
  t.strictSame(await result, { index: 10, term: 2, result: undefined })
})

t.test('what consensus says of a proposal is what its callers are told', async (t) => {
  const cases = [
    ['notLeader', 'rejected', 'RAFT_NO_LEADER rejected'],
    ['transferInProgress', 'rejected', 'RAFT_TRANSFER_IN_PROGRESS rejected'],
    ['storageFull', 'rejected', 'RAFT_STORAGE_FULL rejected'],
    ['overloaded', 'rejected', 'RAFT_OVERLOADED rejected'],
    ['leadershipLost', 'unknown', 'RAFT_LEADERSHIP_LOST unknown'],
    ['resultLost', 'committed', 'RAFT_RESULT_LOST committed'],
    ['storeFailed', 'unknown', 'RAFT_STORE_FAILED unknown'],
    ['shutdown', 'rejected', 'RAFT_CLOSED rejected'],
  ] as const
  for (const [reason, outcome, fate] of cases) {
    const consensus = new FakeConsensus().lead()
    const result = consensus.applier.apply(bytes('a'))
    await burst()
    consensus.fail(consensus.only('propose').proposal, reason, outcome)
    t.equal(await fateOf(result), fate)
  }
})

t.test('elsewhere led, a command is refused with the leader id, address and meta', async (t) => {
  const consensus = new FakeConsensus().follow('n2')
  const error = await errorOf(consensus.applier.apply(bytes('a')))
  t.match(error, { code: 'RAFT_NOT_LEADER', outcome: 'rejected', retryable: true })
  t.strictSame(error.details.leader, {
    id: 'n2',
    address: 'n2:7701',
    meta: { http: 'http://n2' },
  })
})

t.test('without a leader, or without a cluster, a command is refused', async (t) => {
  const consensus = new FakeConsensus().follow(null)
  t.equal(await fateOf(consensus.applier.apply(bytes('a'))), 'RAFT_NO_LEADER rejected')
  consensus.status({ configuration: { index: 0, configuration: { servers: [] } } })
  t.equal(await fateOf(consensus.applier.apply(bytes('a'))), 'RAFT_NOT_BOOTSTRAPPED rejected')
})

t.test(
  'losing leadership refuses what was not told and leaves the rest to consensus',
  async (t) => {
    const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
    const told = consensus.applier.apply(bytes('told'))
    await burst()
    const waiting = consensus.applier.apply(bytes('waiting'))
    await burst()
    consensus.follow('n2')
    t.equal(await fateOf(waiting), 'RAFT_NOT_LEADER rejected')
    consensus.fail(consensus.only('propose').proposal, 'leadershipLost', 'unknown')
    t.equal(await fateOf(told), 'RAFT_LEADERSHIP_LOST unknown')
    consensus.lead(5)
    consensus.applier.apply(bytes('again'))
    await burst()
    t.strictSame(commandsOf(consensus.only('propose')), ['again'], 'and nothing of the old batch')
  },
)

t.test('a command over maxEntryBytes is refused with the numbers', async (t) => {
  const consensus = new FakeConsensus({ maxEntryBytes: 10 }).lead()
  const error = await errorOf(consensus.applier.apply(new Uint8Array(11)))
  t.match(error, { code: 'RAFT_ENTRY_TOO_LARGE', outcome: 'rejected', retryable: false })
  t.match(error.details, { size: 11, most: 10 })
})

t.test(
  'past maxPendingEntries or maxPendingBytes commands are refused and observers told',
  async (t) => {
    const overloads: string[] = []
    const config = { maxBatchEntries: 2, maxPendingEntries: 2 }
    const consensus = new FakeConsensus(config).lead()
    consensus.side.events.on('overload', ({ what }) => overloads.push(what))
    const accepted = [1, 2].map((i) => consensus.applier.apply(bytes(`${i}`)))
    t.equal(await fateOf(consensus.applier.apply(bytes('3'))), 'RAFT_OVERLOADED rejected')
    t.equal(await fateOf(consensus.applier.apply(bytes('4'))), 'RAFT_OVERLOADED rejected')
    t.strictSame(overloads, ['proposals'], 'once a second')
    consensus.apply(consensus.only('propose'))
    await Promise.all(accepted)
    consensus.applier.apply(bytes('5'))
    await burst()
    t.equal(consensus.take('propose').length, 1, 'settled commands make room')

    const sizes = { maxPendingBytes: 2048, maxEntryBytes: 2048, maxBatchBytes: 2048 }
    const bounded = new FakeConsensus(sizes).lead()
    bounded.applier.apply(new Uint8Array(1500))
    t.equal(await fateOf(bounded.applier.apply(new Uint8Array(600))), 'RAFT_OVERLOADED rejected')
  },
)

t.test('a full mailbox of consensus rejects the batch', async (t) => {
  const consensus = new FakeConsensus().lead()
  consensus.takes = false
  t.equal(await fateOf(consensus.applier.apply(bytes('a'))), 'RAFT_OVERLOADED rejected')
  t.equal(consensus.side.budget.entries, 0)
})

t.test('a command that cannot be encoded rejects with the codec error', async (t) => {
  const consensus = new FakeConsensus().lead()
  await t.rejects(consensus.applier.apply('text'), { name: 'TypeError' })
  await t.rejects(consensus.applier.applyWith('text', { forward: true }), { name: 'TypeError' })
  await burst()
  t.equal(consensus.told.length, 0)
})
