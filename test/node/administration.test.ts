import t from 'tap'
import type { AdminOptions } from '../../lib/node/administration.js'
import { fateOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

/** A follower n1 and the leader n2, each with a consensus of its own. */
function pair() {
  const follower = new FakeConsensus().follow('n2')
  const leader = new FakeConsensus({}, { id: 'n2' }).lead()
  const transfer = (to: string | null, options: AdminOptions = { forward: true }) =>
    follower.side.administration.run({ kind: 'transfer', to }, options)
  return { follower, leader, transfer }
}

async function deliver(follower: FakeConsensus, leader: FakeConsensus): Promise<number> {
  await burst()
  const forwards = follower.take('forward')
  for (const { request, body } of forwards) {
    leader.reply({ kind: 'forwarded', connection: 1, request, peer: 'n1', body })
  }
  await burst()
  return forwards.length
}

async function answer(leader: FakeConsensus, follower: FakeConsensus): Promise<void> {
  await burst()
  for (const { request, body } of leader.take('answerForwarded')) {
    follower.reply({ kind: 'forwardReply', request, body, sent: true })
  }
}

t.test(
  'a request of a follower reaches the leader in one hop, and its answer returns',
  async (t) => {
    const { follower, leader, transfer } = pair()
    const done = transfer('n3')
    t.equal(await deliver(follower, leader), 1)
    const { id, to } = leader.only('transfer')
    t.equal(to, 'n3')
    leader.reply({ kind: 'transferDone', id, reason: null })
    await answer(leader, follower)
    t.equal(await done, 0)
  },
)

t.test("the leader's refusal comes back as it was", async (t) => {
  const { follower, leader, transfer } = pair()
  const done = fateOf(transfer('n9'))
  await deliver(follower, leader)
  const { id } = leader.only('transfer')
  leader.reply({ kind: 'transferDone', id, reason: 'unknownServer' })
  await answer(leader, follower)
  t.match(await done, /^RAFT_UNKNOWN_SERVER/)
})

t.test('without `forward` a follower refuses and names the leader', async (t) => {
  const { transfer, follower } = pair()
  t.equal(await fateOf(transfer('n3', {})), 'RAFT_NOT_LEADER rejected')
  t.strictSame(follower.take('forward'), [])
})

t.test('what was sent and has no answer may have been done', async (t) => {
  const { follower, transfer } = pair()
  const lost = fateOf(transfer('n3'))
  await burst()
  const { request } = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request, body: null, sent: true })
  t.equal(await lost, 'RAFT_LEADERSHIP_LOST unknown')

  const late = fateOf(transfer('n3', { forward: true, timeoutMs: 50 }))
  await burst()
  follower.only('forward')
  await follower.time.advance(100)
  t.equal(await late, 'RAFT_TIMEOUT unknown')
})

t.test('what never left this process is rejected', async (t) => {
  const { follower, transfer } = pair()
  const unsent = fateOf(transfer('n3'))
  await burst()
  const { request } = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request, body: null, sent: false })
  t.equal(await unsent, 'RAFT_NO_LEADER rejected')
})

t.test('while there is no leader a request waits for one, or for its end', async (t) => {
  const { follower, leader, transfer } = pair()
  follower.follow(null)
  const done = transfer('n3')
  await burst()
  t.strictSame(follower.take('forward'), [])
  follower.follow('n2', 4)
  t.equal(await deliver(follower, leader), 1)
  leader.reply({ kind: 'transferDone', id: leader.only('transfer').id, reason: null })
  await answer(leader, follower)
  t.equal(await done, 0)

  follower.follow(null, 5)
  const never = fateOf(transfer('n3', { forward: true, timeoutMs: 50 }))
  await burst()
  await follower.time.advance(100)
  t.equal(await never, 'RAFT_TIMEOUT rejected')
})

t.test('a change that certainly was not begun is tried again', async (t) => {
  const { follower } = pair()
  const removed = fateOf(
    follower.side.administration.run({ kind: 'removeServer', id: 'n3' }, { forward: true }),
  )
  await burst()
  const { request } = follower.only('forward')
  follower.reply({ kind: 'forwardReply', request, body: null, sent: false })
  await follower.time.advance(200)
  t.equal(follower.take('forward').length, 1, 'once more')
  follower.side.close(undefined)
  t.equal(await removed, 'RAFT_CLOSED unknown')
})

t.test('leadership for the node that leads already is no request', async (t) => {
  const { follower, leader, transfer } = pair()
  const done = transfer('n2')
  await deliver(follower, leader)
  t.strictSame(leader.take('transfer'), [])
  await answer(leader, follower)
  t.equal(await done, 0)
})

t.test('how the peers do is asked of consensus', async (t) => {
  const { leader } = pair()
  const asked = leader.side.peerReports.ask(undefined)
  const { id } = leader.only('peers')
  const peer = { id: 'n1', matchIndex: 7, lastContactMs: 3, roundTripMs: 1 }
  const peers = [{ ...peer, incarnation: 'known' as const }]
  leader.reply({ kind: 'peersDone', id, peers })
  t.strictSame(await asked, peers)
})

t.test('a removal whose answer is lost with the leader is seen in the configuration', async (t) => {
  const { follower } = pair()
  const remove = async (options: AdminOptions = {}) => {
    const request = { kind: 'removeServer', id: 'n2' } as const
    const removed = follower.side.administration.run(request, { forward: true, ...options })
    await burst()
    const sent = follower.only('forward')
    follower.reply({ kind: 'forwardReply', request: sent.request, body: null, sent: true })
    await burst()
    return { removed }
  }
  const { removed } = await remove()
  const { servers } = follower.side.view.status.configuration.configuration
  const left = { servers: servers.filter(({ id }) => id !== 'n2') }
  follower.status({ configuration: { index: 7, configuration: left } })
  await burst()
  follower.status({ committedConfigurationIndex: 7 })
  t.equal(await removed, 7)

  follower.status({ configuration: { index: 8, configuration: { servers } } })
  const { removed: never } = await remove()
  const fate = fateOf(never)
  await follower.time.advance(6000)
  t.equal(await fate, 'RAFT_LEADERSHIP_LOST unknown', 'it is there still')
})
