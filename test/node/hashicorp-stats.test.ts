import t from 'tap'
import { hashicorpStats, type NodePosition } from '../../lib/node/hashicorp-stats.js'
import { counters } from './fixtures/counter-cluster.js'

const servers = [
  { id: 'n1', address: '127.0.0.1:7701', suffrage: 'voter', addedAt: 1 },
  { id: 'n2', address: '127.0.0.1:7702', suffrage: 'voter', addedAt: 1 },
  { id: 'n3', address: '127.0.0.1:7703', suffrage: 'nonvoter', addedAt: 9 },
] as const

const stats: NodePosition = {
  id: 'n2',
  cluster: 'orders',
  address: '127.0.0.1:7702',
  state: 'follower',
  term: 4,
  leader: 'n1',
  ready: false,
  commitIndex: 90,
  appliedIndex: 88,
  lastLogIndex: 95,
  lastLogTerm: 4,
  flushedIndex: 95,
  snapshotIndex: 50,
  snapshotTerm: 3,
  configurationIndex: 9,
  committedConfigurationIndex: 9,
  servers,
  voters: 2,
  nonvoters: 1,
  lastContactMs: 12.5,
  pendingEntries: 0,
  pendingBytes: 0,
  pendingReads: 0,
  proposedBatches: 0,
  proposedEntries: 0,
  forwardedRequests: 0,
  refusedForLoad: 0,
  applyLagBytes: 0,
  leaderChanges: 1,
  loopDelayMs: 0,
  timeouts: 0,
  deadLetters: 0,
  features: [],
}

t.test('every name that operators know, with its text', async (t) => {
  t.strictSame(hashicorpStats(stats), {
    state: 'Follower',
    term: '4',
    last_log_index: '95',
    last_log_term: '4',
    commit_index: '90',
    applied_index: '88',
    fsm_pending: '2',
    last_snapshot_index: '50',
    last_snapshot_term: '3',
    protocol_version: '1',
    protocol_version_min: '1',
    protocol_version_max: '1',
    snapshot_version_min: '1',
    snapshot_version_max: '1',
    latest_configuration_index: '9',
    latest_configuration:
      '[{Suffrage:Voter ID:n1 Address:127.0.0.1:7701}' +
      ' {Suffrage:Voter ID:n2 Address:127.0.0.1:7702}' +
      ' {Suffrage:Nonvoter ID:n3 Address:127.0.0.1:7703}]',
    num_peers: '1',
    last_contact: '12.5ms',
  })
})

t.test('states and peers are named as there', async (t) => {
  const of = (part: Partial<NodePosition>) => hashicorpStats({ ...stats, ...part })
  t.equal(of({ state: 'leader' }).state, 'Leader')
  t.equal(of({ state: 'leader' }).last_contact, '0')
  t.equal(of({ state: 'preCandidate' }).state, 'Candidate')
  t.equal(of({ state: 'candidate' }).state, 'Candidate')
  t.equal(of({ state: 'closed' }).state, 'Shutdown')
  t.equal(of({ id: 'n3' }).num_peers, '0', 'a nonvoter has none')
})

t.test('the last contact is a duration', async (t) => {
  const contact = (lastContactMs: number | null) =>
    hashicorpStats({ ...stats, lastContactMs }).last_contact
  t.equal(contact(null), 'never')
  t.equal(contact(0), '0s')
  t.equal(contact(0.25), '250µs')
  t.equal(contact(2250), '2.25s')
  t.equal(contact(60_500), '1m0.5s')
  t.equal(contact(7_203_000), '2h0m3s')
})

t.test('D2, D15: a running node tells its true configuration and applied index', async (t) => {
  await using cluster = await counters()
  const leader = await cluster.leader()
  const { index } = await leader.apply({ add: 1 })
  const found = hashicorpStats(leader.stats())
  t.equal(found.state, 'Leader')
  t.equal(found.latest_configuration_index, '1')
  t.equal(found.num_peers, '2')
  t.ok(Number(found.applied_index) >= index)
  const follower = cluster.nodes.find((node) => node !== leader)
  await follower?.waitFor({ applied: index }, { timeoutMs: 5000 })
  t.match(follower && hashicorpStats(follower.stats()).last_contact, /^[\d.]+(µs|ms|s)$/)
})
