import t from 'tap'
import type { LeaderTask } from '../../lib/node/leader-tasks.js'
import { errorOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

/** Runs of a task, begun and ended by hand. */
class Runs {
  readonly terms: number[] = []
  readonly signals: AbortSignal[] = []
  #ends: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []

  readonly task: LeaderTask = ({ term, signal }) => {
    this.terms.push(term)
    this.signals.push(signal)
    return new Promise<void>((resolve, reject) => {
      this.#ends.push({ resolve, reject })
    })
  }

  get signal(): AbortSignal {
    return this.signals.at(-1) ?? AbortSignal.abort()
  }

  async end(error?: Error): Promise<void> {
    const end = this.#ends.shift()
    if (error === undefined) end?.resolve()
    else end?.reject(error)
    await burst()
  }
}

function stage() {
  const consensus = new FakeConsensus()
  const runs = new Runs()
  const barrier = async () => {
    const [request] = consensus.take('barrier')
    if (request !== undefined) consensus.reply({ kind: 'barrierDone', id: request.id, index: 9 })
    await burst()
  }
  return { consensus, runs, barrier, tasks: consensus.side.leaderTasks }
}

t.test('it runs once the barrier is applied, and is aborted with the leadership', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  t.strictSame(runs.terms, [], 'a follower has nothing to do')
  consensus.lead(2)
  await burst()
  t.strictSame(runs.terms, [], 'not before the barrier')
  await barrier()
  t.strictSame(runs.terms, [2])
  t.notOk(runs.signal.aborted)
  consensus.follow('n2')
  t.ok(runs.signal.aborted)
  t.match(runs.signal.reason, { code: 'RAFT_LEADERSHIP_LOST' })
})

t.test('asked for on a leader it runs in this very term', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  consensus.lead(5)
  void tasks.run(runs.task)
  await barrier()
  t.strictSame(runs.terms, [5])
})

t.test('a run that ended is repeated in the next term led, not in its own', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  await barrier()
  await runs.end()
  consensus.status({ commitIndex: 20 })
  await barrier()
  t.strictSame(runs.terms, [2])
  consensus.follow('n2', 3).lead(4)
  await barrier()
  t.strictSame(runs.terms, [2, 4])
})

t.test('one that ignores its signal is waited for, and never overlaps with the next', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  await barrier()
  consensus.follow('n2', 3).lead(4)
  await burst()
  await barrier()
  t.strictSame(runs.terms, [2], 'the first one still runs')
  await runs.end()
  await barrier()
  t.strictSame(runs.terms, [2, 4])
})

t.test('leadership that goes while one is waited for is not run for', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  await barrier()
  consensus.follow('n2', 3).lead(4).follow('n3', 5)
  await runs.end()
  await barrier()
  t.strictSame(runs.terms, [2])
})

t.test('a term that ends before its barrier does begins nothing', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  consensus.follow('n2', 3)
  await barrier()
  await burst()
  t.strictSame(runs.terms, [])
})

t.test('a barrier that is refused is tried again while this node leads', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  const { id } = consensus.only('barrier')
  const refusal = { reason: 'transferInProgress', outcome: 'rejected' } as const
  consensus.reply({ kind: 'barrierFailed', id, ...refusal })
  await consensus.time.advance(99)
  t.strictSame(consensus.take('barrier'), [])
  await consensus.time.advance(1)
  await barrier()
  t.strictSame(runs.terms, [2])
})

t.test('what a run throws while it leads ends everything, with that error', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  const rejected = t.rejects(tasks.run(runs.task), { message: 'mine' })
  consensus.lead(2)
  await barrier()
  await runs.end(new Error('mine'))
  await rejected
  consensus.follow('n2', 3).lead(4)
  await barrier()
  t.strictSame(runs.terms, [2])
})

t.test('a task that throws at once is no different', async (t) => {
  const { consensus, barrier, tasks } = stage()
  const ended = tasks.run(() => {
    throw new Error('mine')
  })
  const rejected = t.rejects(ended, { message: 'mine' })
  consensus.lead(2)
  await barrier()
  await rejected
})

t.test('onError takes it instead, and the task runs again in the next term', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  const seen: string[] = []
  void tasks.run(runs.task, { onError: (error, term) => seen.push(`${term} ${error}`) })
  consensus.lead(2)
  await barrier()
  await runs.end(new Error('mine'))
  t.strictSame(seen, ['2 Error: mine'])
  consensus.follow('n2', 3).lead(4)
  await barrier()
  t.strictSame(runs.terms, [2, 4])
})

t.test('what a run throws because it was aborted is no failure', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  void tasks.run(runs.task)
  consensus.lead(2)
  await barrier()
  consensus.follow('n2', 3)
  await runs.end(new Error('aborted'))
  consensus.lead(4)
  await barrier()
  t.strictSame(runs.terms, [2, 4])
})

t.test('its own signal ends it: the run is aborted, and waited for', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  const abort = new AbortController()
  let over = false
  const ended = tasks.run(runs.task, { signal: abort.signal }).then(() => {
    over = true
  })
  consensus.lead(2)
  await barrier()
  abort.abort()
  t.match(runs.signal.reason, { code: 'RAFT_ABORTED' })
  await burst()
  t.notOk(over, 'the run has not ended')
  await runs.end()
  await ended
  consensus.follow('n2', 3).lead(4)
  await barrier()
  t.strictSame(runs.terms, [2])
  await tasks.run(runs.task, { signal: abort.signal })
})

t.test('so does the end of the node; afterwards it is refused', async (t) => {
  const { consensus, runs, barrier, tasks } = stage()
  const waiting = tasks.run(runs.task)
  const running = tasks.run(runs.task)
  consensus.lead(2)
  await barrier()
  t.equal(runs.signals.length, 1, 'each has a barrier of its own')
  consensus.side.close(undefined)
  t.ok(runs.signal.aborted)
  await runs.end()
  await Promise.all([waiting, running])
  t.match(await errorOf(tasks.run(runs.task)), { code: 'RAFT_CLOSED' })
})
