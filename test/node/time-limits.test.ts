import t from 'tap'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { commandsOf, FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

t.test('a command that consensus has ends as unknown when its time is over', async (t) => {
  const consensus = new FakeConsensus().lead()
  const result = consensus.applier.apply(bytes('a'))
  await burst()
  const late = errorOf(result)
  await consensus.time.advance(4999)
  t.equal(consensus.side.timeouts, 0)
  await consensus.time.advance(20)
  const error = await late
  t.match(error, { code: 'RAFT_TIMEOUT', outcome: 'unknown', retryable: false })
  t.match(error.message, /apply took longer than 5000 ms; it may or may not be applied/)
  consensus.apply(consensus.only('propose'))
  t.equal(consensus.side.budget.entries, 0)
})

t.test(
  'a command whose time is over before its batch is told is really not proposed',
  async (t) => {
    const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
    consensus.applier.apply(bytes('first'))
    await burst()
    const first = consensus.only('propose')
    const short = consensus.applier.applyWith(bytes('short'), { timeoutMs: 50 })
    const long = consensus.applier.apply(bytes('long'))
    const shorter = consensus.applier.applyWith(bytes('shorter'), { timeoutMs: 20 })
    const fates = Promise.all([fateOf(short), fateOf(shorter)])
    await consensus.time.advance(100)
    t.strictSame(await fates, ['RAFT_TIMEOUT rejected', 'RAFT_TIMEOUT rejected'])
    consensus.flush(first.proposal)
    consensus.apply(first)
    await burst()
    const second = consensus.only('propose')
    t.strictSame(commandsOf(second), ['long'])
    consensus.apply(second)
    t.match(await long, { index: 11, result: 'long' })
    t.equal(consensus.side.budget.entries, 0)
  },
)

t.test('a batch that every command has left is not proposed at all', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  consensus.applier.apply(bytes('first'))
  await burst()
  const first = consensus.only('propose')
  const gone = fateOf(consensus.applier.applyWith(bytes('gone'), { timeoutMs: 50 }))
  await consensus.time.advance(100)
  t.equal(await gone, 'RAFT_TIMEOUT rejected')
  consensus.flush(first.proposal)
  await burst()
  t.equal(consensus.told.length, 0)
  const next = consensus.applier.apply(bytes('next'))
  await burst()
  const second = consensus.only('propose')
  t.strictSame(commandsOf(second), ['next'])
  consensus.apply(second)
  t.match(await next, { result: 'next' })
})

t.test('each command has its own time, counted from its call', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  consensus.applier.apply(bytes('first')).catch(() => {})
  await burst()
  const ended: string[] = []
  const watch = (name: string, promise: Promise<unknown>) =>
    promise.catch(({ outcome }) => ended.push(`${name} ${outcome}`))
  watch('early', consensus.applier.apply(bytes('early')))
  await consensus.time.advance(1000)
  watch('later', consensus.applier.apply(bytes('later')))
  watch('endless', consensus.applier.applyWith(bytes('endless'), { timeoutMs: Infinity }))
  await consensus.time.advance(4020)
  t.strictSame(ended, ['early rejected'])
  await consensus.time.advance(1000)
  t.strictSame(ended, ['early rejected', 'later rejected'])
  await consensus.time.advance(1_000_000)
  t.equal(ended.length, 2)
})

t.test('one timer serves all pending commands and is gone with them', async (t) => {
  const consensus = new FakeConsensus().lead()
  for (let i = 0; i < 1000; i++) consensus.applier.apply(bytes('x'))
  await burst()
  t.equal(consensus.time.timers, 1)
  consensus.apply(consensus.only('propose'))
  await consensus.time.advance(6000)
  t.equal(consensus.time.timers, 0)
  t.equal(consensus.side.timeouts, 0)
})

t.test('a signal aborts a waiting command as rejected, a told one as unknown', async (t) => {
  const consensus = new FakeConsensus({ maxUnflushedBatches: 1 }).lead()
  const abort = new AbortController()
  const { signal } = abort
  const told = consensus.applier.applyWith(bytes('told'), { signal })
  await burst()
  const waiting = consensus.applier.applyWith(bytes('waiting'), { signal })
  await burst()
  abort.abort(new Error('enough'))
  t.equal(await fateOf(told), 'RAFT_ABORTED unknown')
  const error = await errorOf(waiting)
  t.match(error, { name: 'AbortError', code: 'RAFT_ABORTED', outcome: 'rejected' })
  t.match(error.cause, { message: 'enough' })
  consensus.flush(consensus.only('propose').proposal)
  await burst()
  t.equal(consensus.told.length, 0)
})

t.test('a signal that is aborted already lets nothing begin', async (t) => {
  const consensus = new FakeConsensus().lead()
  const { applier, side } = consensus
  const options = { signal: AbortSignal.abort() }
  t.equal(await fateOf(applier.applyWith(bytes('a'), options)), 'RAFT_ABORTED rejected')
  t.equal(await fateOf(applier.applyBatch([bytes('a')], options)), 'RAFT_ABORTED rejected')
  t.equal(await fateOf(side.requests.barrier(options)), 'RAFT_ABORTED rejected')
  await burst()
  t.equal(consensus.told.length, 0)
})

t.test('a settled call leaves nothing on its signal', async (t) => {
  const consensus = new FakeConsensus().lead()
  const { signal } = new AbortController()
  const added = t.capture(signal, 'addEventListener', signal.addEventListener)
  const removed = t.capture(signal, 'removeEventListener', signal.removeEventListener)
  const result = consensus.applier.applyWith(bytes('a'), { signal })
  await burst()
  consensus.apply(consensus.only('propose'))
  await result
  t.equal(added().length, 1)
  t.equal(removed().length, 1)
})

t.test('a time limit that is no time is refused', async (t) => {
  const consensus = new FakeConsensus().lead()
  for (const timeoutMs of [0, -1, Number.NaN]) {
    const result = consensus.applier.applyWith(bytes('a'), { timeoutMs })
    t.equal(await fateOf(result), 'RAFT_CONFIG_INVALID rejected')
  }
})
