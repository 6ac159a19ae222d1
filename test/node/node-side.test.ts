import t from 'tap'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

t.test('barrier resolves with its index, or with what became of it', async (t) => {
  const consensus = new FakeConsensus().lead()
  const { requests } = consensus.side
  const done = requests.barrier(undefined)
  consensus.reply({ kind: 'barrierDone', id: consensus.only('barrier').id, index: 12 })
  t.equal(await done, 12)
  const lost = requests.barrier(undefined)
  const { id } = consensus.only('barrier')
  consensus.reply({ kind: 'barrierFailed', id, reason: 'leadershipLost', outcome: 'unknown' })
  t.equal(await fateOf(lost), 'RAFT_LEADERSHIP_LOST unknown')
  const late = fateOf(requests.barrier({ timeoutMs: 50 }))
  await consensus.time.advance(100)
  t.equal(await late, 'RAFT_TIMEOUT unknown')
  consensus.follow('n2')
  t.equal(await fateOf(requests.barrier(undefined)), 'RAFT_NOT_LEADER rejected')
})

t.test('transferLeadership resolves, or tells why not', async (t) => {
  const consensus = new FakeConsensus().lead()
  const { requests } = consensus.side
  const done = requests.transfer('n2', undefined)
  const { id, to } = consensus.only('transfer')
  t.equal(to, 'n2')
  consensus.reply({ kind: 'transferDone', id, reason: null })
  t.equal(await done, undefined)
  const cases = [
    ['unknownServer', 'RAFT_UNKNOWN_SERVER rejected'],
    ['transferToItself', 'RAFT_UNKNOWN_SERVER rejected'],
    ['notVoter', 'RAFT_UNKNOWN_SERVER rejected'],
    ['noOtherVoter', 'RAFT_UNKNOWN_SERVER rejected'],
    ['transferInProgress', 'RAFT_TRANSFER_IN_PROGRESS rejected'],
    ['transferTimeout', 'RAFT_TIMEOUT -'],
    ['shutdown', 'RAFT_CLOSED -'],
  ] as const
  for (const [reason, fate] of cases) {
    const failed = requests.transfer('n9', undefined)
    consensus.reply({ kind: 'transferDone', id: consensus.only('transfer').id, reason })
    t.equal(await fateOf(failed), fate)
  }
  consensus.follow('n2')
  t.equal(await fateOf(requests.transfer(null, undefined)), 'RAFT_NOT_LEADER rejected')
})

t.test('a snapshot resolves with its index, a failed one with its code', async (t) => {
  const consensus = new FakeConsensus()
  const { requests } = consensus.side
  const done = requests.snapshot(undefined)
  const { id } = consensus.only('takeSnapshot')
  consensus.reply({ kind: 'snapshotDone', id, index: 30, term: 2, bytes: 7, error: null })
  t.strictSame(await done, { index: 30, term: 2, bytes: 7 })
  const failed = requests.snapshot(undefined)
  const error = {
    name: 'StateMachineError',
    message: 'nothing new',
    code: 'RAFT_NOTHING_TO_SNAPSHOT',
    details: null,
    stack: null,
    cause: null,
  }
  const again = consensus.only('takeSnapshot').id
  consensus.reply({ kind: 'snapshotDone', id: again, index: 0, term: 0, bytes: 0, error })
  t.match(await errorOf(failed), { code: 'RAFT_NOTHING_TO_SNAPSHOT', message: 'nothing new' })
})

t.test('waiters are told when their condition holds, at once if it does', async (t) => {
  const consensus = new FakeConsensus()
  const { side } = consensus
  const met: string[] = []
  const wait = (name: string, condition: Parameters<typeof side.waiters.wait>[1]) => {
    const call = side.calls.start<void>('waitFor', undefined, Number.POSITIVE_INFINITY)
    side.waiters.wait(call, condition)
    call.promise.then(() => met.push(name))
  }
  wait('any leader', { leader: true })
  wait('n3', { leader: 'n3' })
  wait('leading', { state: 'leader' })
  wait('applied', { applied: 5 })
  wait('configured', { configurationIndex: 1 })
  await burst()
  t.strictSame(met, ['configured'])
  consensus.follow('n2')
  consensus.status({ lastApplied: 6 })
  await burst()
  t.strictSame(met, ['configured', 'any leader', 'applied'])
  consensus.follow('n3')
  consensus.lead(9)
  await burst()
  t.strictSame(met.slice(3), ['n3', 'leading'])
})

t.test('an unknown condition is refused', async (t) => {
  const { side } = new FakeConsensus()
  const call = side.calls.start<void>('waitFor', undefined, Number.POSITIVE_INFINITY)
  side.waiters.wait(call, { leadr: true } as never)
  t.match(await errorOf(call.promise), { code: 'RAFT_CONFIG_INVALID', message: /leadr/ })
})

t.test('closing settles everything that is pending, each with its own outcome', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  const { applier, side } = consensus
  const abort = new AbortController()
  const pending: Promise<string>[] = []
  const add = (promise: Promise<unknown>) => pending.push(fateOf(promise))
  add(applier.apply(bytes('told')))
  add(applier.applyWith(bytes('told'), { signal: abort.signal }))
  await burst()
  add(applier.apply(bytes('waiting')))
  add(applier.applyBatch([bytes('waiting')], {}))
  add(side.requests.barrier(undefined))
  add(side.reader.query({ request: 'a' }, undefined))
  await burst()
  side.close(undefined)
  t.strictSame(await Promise.all(pending), [
    'RAFT_CLOSED unknown',
    'RAFT_CLOSED unknown',
    'RAFT_CLOSED rejected',
    'RAFT_CLOSED rejected',
    'RAFT_CLOSED unknown',
    'RAFT_CLOSED -',
  ])
  t.equal(consensus.time.timers, 0)
  t.equal(side.budget.entries, 0)
})

t.test(
  'closing settles what is forwarded, sent or not, and does not look for another leader',
  async (t) => {
    const consensus = new FakeConsensus().follow('n2')
    const { applier, side } = consensus
    const sent = fateOf(applier.applyWith(bytes('sent'), { forward: true }))
    await burst()
    consensus.follow(null, 4)
    const waiting = fateOf(applier.applyWith(bytes('waiting'), { forward: true }))
    side.close(undefined)
    t.equal(await sent, 'RAFT_CLOSED unknown')
    t.equal(await waiting, 'RAFT_CLOSED rejected')
    consensus.told.length = 0
    consensus.follow('n3', 5)
    await burst()
    t.equal(consensus.told.length, 0)
  },
)

t.test('after closing, and while it hands over, calls are refused', async (t) => {
  const consensus = new FakeConsensus().lead()
  const { applier, side } = consensus
  const under = applier.apply(bytes('under way'))
  await burst()
  side.refuseNew()
  t.equal(await fateOf(applier.apply(bytes('a'))), 'RAFT_CLOSED rejected')
  t.equal(await fateOf(applier.applyWith(bytes('a'), { forward: true })), 'RAFT_CLOSED rejected')
  t.equal(await fateOf(side.reader.readIndex(undefined, false)), 'RAFT_CLOSED -')
  consensus.apply(consensus.only('propose'))
  t.match(await under, { result: 'under way' })
})

t.test('a failed store or state machine is what pending calls are told', async (t) => {
  const { RaftError } = await import('../../lib/node/errors.js')
  for (const code of ['RAFT_STORE_FAILED', 'RAFT_STATE_MACHINE_FAILED'] as const) {
    const consensus = new FakeConsensus().lead()
    const result = errorOf(consensus.applier.apply(bytes('a')))
    await burst()
    consensus.side.close(new RaftError(code, 'the disk is gone'))
    t.match(await result, { code, outcome: 'unknown', cause: { message: 'the disk is gone' } })
  }
})

t.test('a node that was removed from its cluster tells whoever started it', async (t) => {
  let removed = 0
  const consensus = new FakeConsensus({}, { onRemoved: () => removed++ })
  consensus.side.receive({ kind: 'removed', index: 9 })
  t.equal(removed, 1)
})
