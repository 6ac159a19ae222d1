import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import type { CommandMessage, ProposalMessage } from '../../lib/node/channels.js'
import { bytes, errorOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

/** What is published on a channel until the test ends. */
function listenTo<Message>(test: Tap, name: string): Message[] {
  const heard: Message[] = []
  const listener = (message: unknown) => void heard.push(message as Message)
  subscribe(name, listener)
  test.teardown(() => unsubscribe(name, listener))
  return heard
}

type Tap = { teardown(callback: () => void): void }

t.test('an applied batch is published with the time of each stage', async (t) => {
  const heard = listenTo<ProposalMessage>(t, 'troupe:proposal')
  const consensus = new FakeConsensus().lead()
  const results = ['a', 'b'].map((text) => consensus.applier.apply(bytes(text)))
  await burst()
  const proposal = consensus.only('propose')
  consensus.apply(proposal)
  await Promise.all(results)
  t.match(heard, [{ node: 'n1', firstIndex: 10, lastIndex: 11, count: 2 }])
  t.strictSame(Object.keys(heard[0]?.times ?? {}), [
    'proposedMs',
    'replicatedMs',
    'committedMs',
    'appliedMs',
  ])
})

t.test('a trace comes back when its command is applied, and is not proposed', async (t) => {
  const heard = listenTo<CommandMessage>(t, 'troupe:command')
  const consensus = new FakeConsensus().lead()
  const trace = { span: 7 }
  const applied = consensus.applier.applyWith(bytes('a'), { trace })
  await burst()
  const request = consensus.only('propose')
  t.notMatch(JSON.stringify(request), /span/)
  consensus.apply(request)
  await applied
  t.match(heard, [{ node: 'n1', index: 10, term: 2, error: null, times: { committedMs: 0 } }])
  t.equal(heard[0]?.trace, trace)
})

t.test('a trace comes back with the error of a command that fails', async (t) => {
  const heard = listenTo<CommandMessage>(t, 'troupe:command')
  const consensus = new FakeConsensus()
  const error = await errorOf(consensus.applier.applyWith(bytes('a'), { trace: 'x' }))
  t.match(heard, [{ trace: 'x', index: null, term: null, times: null }])
  t.equal(heard[0]?.error, error)
})

t.test('roles, elections, snapshots and progress are published as their events', async (t) => {
  const names = ['troupe:role', 'troupe:election', 'troupe:snapshot', 'troupe:progress']
  const heard = names.map((name) =>
    listenTo<{ readonly kind: string; readonly node: string }>(t, name),
  )
  const { side } = new FakeConsensus()
  const about = { index: 3, term: 1, reason: '' }
  side.emit({ kind: 'state', role: 'leader', previous: 'candidate', term: 2, cause: 'votes' })
  const vote = { candidate: 'n1', term: 2, preVote: false } as const
  side.emit({ kind: 'vote', change: 'answered', ...vote, granted: true, reason: '' })
  side.emit({ kind: 'snapshot', change: 'saved', ...about })
  side.emit({ kind: 'progress', what: 'install', done: 1, total: 2 })
  side.emit({ kind: 'overload', what: 'reads' })
  t.match(heard, [
    [{ kind: 'state', node: 'n1' }],
    [{ kind: 'vote' }],
    [{ kind: 'snapshot' }],
    [{ kind: 'progress' }],
  ])
})
