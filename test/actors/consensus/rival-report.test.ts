import t from 'tap'
import { ConsensusBench, INCARNATION } from './support/consensus-bench.js'

function reports(bench: ConsensusBench) {
  const events = bench.node.take('event').map(({ event }) => event)
  return events.filter(({ kind }) => kind === 'peer')
}

function beat(bench: ConsensusBench, leader: string): void {
  const stamp = { addedAt: 1, incarnation: INCARNATION, probe: 0, sentAt: 0, leaseMs: 500 }
  const request = { kind: 'heartbeat', term: bench.term, leader, ...stamp } as const
  bench.tell({ kind: 'rpcHeartbeat', connection: 1, request })
}

t.test('R-02: a second leader of a term is reported once, and the node goes on', async (t) => {
  const bench = ConsensusBench.leading()
  const { term, lastLogIndex } = bench.status
  bench.append({ leader: 'n3', term, prevLogIndex: lastLogIndex, prevLogTerm: term })
  beat(bench, 'n3')
  t.match(reports(bench), [{ peer: 'n3', change: 'refused', reason: /which n1 leads/ }])
  t.match(bench.context.warnings, [{ message: 'two leaders of one term' }])
  t.match(bench.status, { role: 'leader', term, lastLogIndex })
  bench.propose()
  t.match(bench.node.take('proposalAccepted').length, 1)
})

t.test('R-02: the leader itself, and one of another term, is no rival', async (t) => {
  const bench = ConsensusBench.leading()
  bench.append({ leader: 'n2', term: bench.term + 1 })
  beat(bench, 'n2')
  t.same(reports(bench), [])
})
