import t from 'tap'
import type { RaftEvent, RaftEventKind } from '../../lib/node/events.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { errorOf } from './fixtures/callers.js'
import { virtualCounters } from './fixtures/virtual-counters.js'

type EventOf<K extends RaftEventKind> = Extract<RaftEvent, { kind: K }>

/** The first event of that kind that satisfies `fits`, from now on. */
function next<K extends RaftEventKind>(
  node: RaftNode | undefined,
  kind: K,
  fits: (event: EventOf<K>) => boolean = () => true,
): Promise<EventOf<K>> {
  return new Promise((resolve) => {
    const off = node?.on(kind, (event) => {
      if (!fits(event)) return
      off?.()
      resolve(event)
    })
  })
}

/** `deadLetter` is in test/integration/supervision.test.ts, `stateMachine` in test/node with the machine that hangs. */

t.test('leader and state: who leads next, who led before, and why', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [heir, third] = cluster.nodes.filter((node) => node !== leader)
  const term = leader.stats().term + 1
  const told = next(third, 'leader', (event) => event.leader === heir?.id)
  const won = next(heir, 'state', (event) => event.role === 'leader')
  const campaigned = next(heir, 'state', (event) => event.role === 'candidate')
  const lost = next(leader, 'state', (event) => event.role === 'follower')
  await leader.transferLeadership(heir?.id)
  t.match(await told, { leader: heir?.id, address: heir?.id, term, node: third?.id, at: Number })
  t.match(await campaigned, { previous: 'follower', cause: 'the leader handed over' })
  t.match(await won, { previous: 'candidate', term, cause: 'a quorum of votes' })
  t.match(await lost, { previous: 'leader', cause: /newer term|vote request/ })
})

t.test('a leader that is lost is told as null, with the one before', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const gone = next(leader, 'leader', (event) => event.leader === null)
  cluster.isolate(leader.id)
  t.match(await gone, { leader: null, address: null, previous: leader.id })
})

t.test('R-19 vote: started, answered and counted, with reasons and the tally', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [heir, third] = cluster.nodes.filter((node) => node !== leader)
  const { lastLogIndex, lastLogTerm, term } = leader.stats()
  const mine = { candidate: heir?.id, term: term + 1, preVote: false }
  const started = next(heir, 'vote', (event) => event.change === 'started')
  const answered = next(third, 'vote', (event) => event.change === 'answered')
  const counted = next(heir, 'vote', (event) => event.change === 'counted')
  await leader.transferLeadership(heir?.id)
  const log = { lastLogIndex, lastLogTerm }
  t.match(await started, { ...mine, transfer: true, ...log })
  t.same(
    new Set(((await started) as EventOf<'vote'> & { asked: string[] }).asked),
    new Set([leader.id, third?.id]),
  )
  t.match(await answered, { ...mine, granted: true, reason: 'granted' })
  t.match(await counted, { ...mine, granted: true, grants: 2, refusals: 0, voters: 3 })
})

t.test('a refused pre-vote says why', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [cut] = cluster.nodes.filter((node) => node !== leader)
  const asks = next(cut, 'vote', (event) => event.change === 'started')
  cluster.isolate(cut?.id ?? '')
  t.match(await asks, { preVote: true, transfer: false })
  const refusal = next(leader, 'vote', (event) => event.change === 'answered')
  cluster.heal()
  t.match(await refusal, { candidate: cut?.id, granted: false, reason: 'a leader was heard' })
})

t.test('configuration and peer: added, updated and removed by entries', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [other, third] = cluster.nodes.filter((node) => node !== leader)
  const id = other?.id ?? ''
  const updated = next(third, 'peer', (event) => event.change === 'updated')
  const inForce = next(third, 'configuration', ({ index, committed }) => index > 1 && !committed)
  const committed = next(third, 'configuration', ({ index, committed }) => index > 1 && committed)
  const { index } = await leader.updateServer(id, { meta: { zone: 'b' } })
  t.match(await updated, { peer: id, reason: new RegExp(`entry ${index}`) })
  t.match(await inForce, { index, committed: false })
  t.match(await committed, { index, configuration: { servers: Array }, committed: true })
  const removed = next(third, 'peer', (event) => event.change === 'removed')
  await leader.removeServer(id)
  t.match(await removed, { peer: id })
  const added = next(third, 'peer', (event) => event.change === 'added')
  await leader.addNonvoter(id, id)
  t.match(await added, { peer: id, reason: /nonvoter/ })
})

t.test('R-20 peer: active and inactive with its connection', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [other, third] = cluster.nodes.filter((node) => node !== leader)
  const id = other?.id ?? ''
  const inactive = next(third, 'peer', (event) => event.change === 'inactive')
  await cluster.stop(id)
  t.match(await inactive, { peer: id })
  const active = next(third, 'peer', (event) => event.change === 'active')
  await cluster.start(id)
  t.match(await active, { peer: id })
})

t.test('heartbeat: failed and resumed on the leader, late on the follower (R-43)', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [other] = cluster.nodes.filter((node) => node !== leader)
  const failed = next(leader, 'heartbeat', (event) => event.change === 'failed')
  const late = next(other, 'heartbeat', (event) => event.change === 'late')
  cluster.isolate(other?.id ?? '')
  t.match(await failed, { peer: other?.id, healthy: false, reason: String })
  const tooLate = await late
  t.match(tooLate, { peer: leader.id, healthy: false, reason: /was not heard for \d+ ms/ })
  t.ok((tooLate.lastContactMs ?? 0) >= 160, 'four fifths of 200 ms')
  const resumed = next(leader, 'heartbeat', (event) => event.change === 'resumed')
  cluster.heal()
  t.match(await resumed, { peer: other?.id, healthy: true })
})

t.test('snapshot: saved, with its index', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  await leader.apply({ add: 1 })
  const saved = next(leader, 'snapshot', (event) => event.change === 'saved')
  const { index } = await leader.snapshot()
  t.match(await saved, { index, term: leader.stats().term })
})

t.test('progress: of the log that is replayed after a start', async (t) => {
  await using cluster = await virtualCounters({ nodes: 1 })
  const leader = await cluster.leader()
  const { firstIndex } = await leader.applyBatch([{ add: 1 }, { add: 1 }])
  await cluster.stop('n1')
  const again = await cluster.start('n1')
  const replayed = next(
    again,
    'progress',
    (event) => event.what === 'replay' && event.done >= event.total,
  )
  t.ok((await replayed).total >= firstIndex)
})

t.test('overload: told when calls are refused for load, once a second', async (t) => {
  const config = { maxPendingEntries: 1, maxBatchEntries: 1 }
  await using cluster = await virtualCounters({ nodes: 1, config })
  const leader = await cluster.leader()
  const seen: RaftEvent[] = []
  leader.on('overload', (event) => seen.push(event))
  const calls = [1, 2, 3].map((add) => leader.apply({ add }).catch((error) => error.code))
  await Promise.all(calls)
  t.match(seen, [{ kind: 'overload', what: String, node: 'n1' }])
  t.equal(seen.length, 1)
})

t.test('flapping: leadership that is passed round and round (R-46)', async (t) => {
  await using cluster = await virtualCounters()
  const [watcher] = cluster.nodes
  const flapping = next(watcher, 'flapping')
  for (let i = 0; i < 5; i++) {
    const leader = await cluster.leader()
    await leader.transferLeadership().catch(() => {})
    await leader.waitFor({ state: 'follower' }, { timeoutMs: 5000 }).catch(() => {})
  }
  t.match(await flapping, { changes: Number, windowMs: 4000, cause: String })
  t.ok((watcher?.stats().leaderChanges ?? 0) >= 4)
})

t.test(
  'the iterator drops the oldest of a node that has much to tell, and says how many',
  async (t) => {
    await using cluster = await virtualCounters()
    const leader = await cluster.leader()
    const stream = leader.events({ buffer: 1 })
    await leader.transferLeadership()
    await leader.waitFor({ state: 'follower' }, { timeoutMs: 5000 })
    t.match(await stream.next(), { value: { kind: 'dropped', count: Number, node: leader.id } })
  },
)

t.test('R-37: listeners that throw, now or later, leave the node as it is', async (t) => {
  const errors: string[] = []
  const logger = {
    debug() {},
    info() {},
    warn() {},
    error: (_: object, message: string) => errors.push(message),
  }
  await using cluster = await virtualCounters({ logger })
  const leader = await cluster.leader()
  leader.on('state', () => {
    throw new Error('at once')
  })
  leader.on('state', async () => {
    throw new Error('later')
  })
  await leader.transferLeadership()
  const heir = await cluster.leader()
  t.match(await heir.apply({ add: 1 }), { result: 1 })
  t.ok(errors.filter((message) => message === 'an event listener threw').length >= 2)
  t.match(await errorOf(leader.apply({ add: 1 })), { code: 'RAFT_NOT_LEADER' })
})
