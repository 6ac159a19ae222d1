import t from 'tap'
import {
  type DecodedEntry,
  decodeEntries,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_OPEN,
  sealBatch,
} from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { decodeSessionOpening } from '../../lib/log/session-codec.js'
import { batchBytes } from '../../lib/log/slab.js'
import type { RaftConfig } from '../../lib/node/config.js'
import { bytes, errorOf, fateOf } from './fixtures/callers.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'
import { burst } from './fixtures/virtual-time.js'

/** The entries of the one batch that was told. */
function entriesOf({ batch }: { readonly batch: BatchRef }): DecodedEntry[] {
  const readable = sealBatch(batch, { firstIndex: 1, term: 1, prevTerm: 0, time: 0 })
  return decodeEntries(batchBytes(readable), { copy: true })
}

const identitiesOf = (proposal: { readonly batch: BatchRef }) =>
  entriesOf(proposal).map(({ identity }) =>
    identity?.kind === 'session' ? [identity.sequence, identity.acknowledged] : identity,
  )

/** A leader with a session whose id is 7. */
async function leading(config: Partial<RaftConfig> = {}) {
  const node = new FakeConsensus(config).lead()
  const opening = node.side.sessions.open()
  await burst()
  const proposal = node.only('propose')
  const [entry] = entriesOf(proposal)
  const firstIndex = node.accept(proposal.proposal, 1)
  const results = { firstIndex, values: [7], errors: [] }
  node.reply({ kind: 'proposalFlushed', proposal: proposal.proposal })
  node.reply({ kind: 'proposalApplied', proposal: proposal.proposal, results })
  const session = await opening
  const apply = (text: string, timeoutMs = 5000) => session.apply(bytes(text), { timeoutMs })
  return { node, entry, session, apply }
}

t.test('a session is opened by an entry that records its limits', async (t) => {
  const { entry, session } = await leading({ sessionTimeoutMs: 4000, maxSessions: 9 })
  t.equal(entry?.type, ENTRY_SESSION_OPEN)
  t.match(decodeSessionOpening(entry?.data ?? bytes('')), { timeoutMs: 4000, maxSessions: 9 })
  t.equal(session.id, 7)
})

t.test('commands are numbered, and say which results are waited for', async (t) => {
  const { node, apply } = await leading()
  const first = [apply('a'), apply('b')]
  await burst()
  const proposal = node.only('propose')
  t.strictSame(identitiesOf(proposal), [
    [1, 1],
    [2, 1],
  ])
  node.apply(proposal)
  node.flush(proposal.proposal)
  await Promise.all(first)
  void apply('c').catch(() => {})
  await burst()
  t.strictSame(identitiesOf(node.only('propose')), [[3, 3]])
})

t.test('what may have been applied is proposed again, under its number', async (t) => {
  const { node, apply } = await leading()
  const result = apply('a')
  await burst()
  const { proposal } = node.only('propose')
  node.accept(proposal, 1)
  node.fail(proposal, 'leadershipLost', 'unknown')
  node.follow(null)
  await burst()
  t.equal(node.take('propose').length, 0, 'it waits for a leader')
  node.lead(9)
  await burst()
  const again = node.only('propose')
  t.strictSame(identitiesOf(again), [[1, 1]])
  const repeats = [{ index: 11, firstIndex: 3, firstTerm: 2 }]
  const firstIndex = node.accept(again.proposal, 1)
  const results = { firstIndex, values: ['first'], errors: [], repeats }
  node.reply({
    kind: 'proposalApplied',
    proposal: again.proposal,
    results: { ...results, repeats: [{ ...repeats[0], index: firstIndex } as never] },
  })
  t.strictSame(await result, { index: 3, term: 2, result: 'first' })
})

t.test('a command in the hands of a node that leads no more follows the new leader', async (t) => {
  const { node, apply } = await leading()
  node.follow('n2')
  const result = apply('a')
  await burst()
  const first = node.only('forward')
  t.equal(first.to, 'n2')
  node.follow('n3', 8)
  await burst()
  const second = node.only('forward')
  t.equal(second.to, 'n3')
  node.reply({ kind: 'forwardReply', request: first.request, body: null, sent: true })
  await node.time.advance(500)
  t.equal(node.take('forward').length, 0, 'the end of the first attempt is no news')
  const server = new FakeConsensus({}, { id: 'n3' }).lead()
  server.reply({
    kind: 'forwarded',
    connection: 1,
    request: second.request,
    peer: 'n1',
    body: second.body,
  })
  await burst()
  server.apply(server.only('propose'))
  await burst()
  const [answer] = server.take('answerForwarded')
  node.reply({
    kind: 'forwardReply',
    request: second.request,
    body: answer?.body ?? null,
    sent: true,
  })
  t.match(await result, { result: 'a' })
})

t.test('S17: out of time it is rejected if it was never proposed, else unknown', async (t) => {
  const { node, apply } = await leading()
  node.follow(null)
  const never = fateOf(apply('never', 300))
  await node.time.advance(400)
  t.equal(await never, 'RAFT_TIMEOUT rejected')
  node.lead(5)
  const perhaps = errorOf(apply('perhaps', 300))
  await burst()
  const { proposal } = node.only('propose')
  node.fail(proposal, 'leadershipLost', 'unknown')
  node.follow(null, 6)
  await node.time.advance(400)
  t.match(await perhaps, { code: 'RAFT_TIMEOUT', outcome: 'unknown' })
})

t.test(
  'a command of an expired session: rejected at first, unknown when it was tried before',
  async (t) => {
    const error = {
      name: 'StateMachineError',
      message: 'over',
      code: 'RAFT_SESSION_EXPIRED',
      details: {},
      stack: null,
      cause: null,
    }
    for (const [triedBefore, outcome] of [
      [false, 'rejected'],
      [true, 'unknown'],
    ] as const) {
      const { node, apply, session } = await leading()
      const result = errorOf(apply('a'))
      await burst()
      if (triedBefore) {
        node.fail(node.only('propose').proposal, 'leadershipLost', 'unknown')
        await node.time.advance(200)
      }
      const proposal = node.only('propose')
      const firstIndex = node.accept(proposal.proposal, 1)
      const results = { firstIndex, values: null, errors: [{ index: firstIndex, error }] }
      node.reply({ kind: 'proposalApplied', proposal: proposal.proposal, results })
      t.match(await result, { code: 'RAFT_SESSION_EXPIRED', outcome })
      t.equal(session.state, 'expired')
      t.equal(await fateOf(apply('b')), 'RAFT_SESSION_EXPIRED rejected')
      await session.close()
      t.equal(node.take('propose').length, 0, 'there is nothing to close')
    }
  },
)

t.test('a result that went down with a state machine is asked for again', async (t) => {
  const { node, apply } = await leading()
  const result = apply('a')
  await burst()
  const { proposal } = node.only('propose')
  node.accept(proposal, 1)
  node.flush(proposal)
  node.fail(proposal, 'resultLost', 'committed')
  await node.time.advance(200)
  node.apply(node.only('propose'))
  t.match(await result, { result: 'a' })
})

t.test('a leader that has too much to do is asked again after a while', async (t) => {
  const { node, apply } = await leading()
  const result = apply('a')
  await burst()
  node.fail(node.only('propose').proposal, 'overloaded', 'rejected')
  await burst()
  t.equal(node.take('propose').length, 0, 'not at once')
  await node.time.advance(200)
  node.apply(node.only('propose'))
  t.match(await result, { result: 'a' })
})

t.test('an idle session is kept alive, a busy one needs no help', async (t) => {
  const { node, apply } = await leading({ sessionTimeoutMs: 3000 })
  await node.time.advance(700)
  const result = apply('a')
  await burst()
  const command = node.only('propose')
  node.apply(command)
  node.flush(command.proposal)
  await result
  await node.time.advance(900)
  t.equal(node.take('propose').length, 0)
  await node.time.advance(200)
  const kept = node.only('propose')
  t.strictSame(
    entriesOf(kept).map(({ type }) => type),
    [ENTRY_SESSION_KEEP_ALIVE],
  )
  t.strictSame(identitiesOf(kept), [[0, 2]])
  node.apply(kept)
  node.flush(kept.proposal)
  await node.time.advance(1100)
  t.equal(node.take('propose').length, 1, 'and again')
})

t.test('closing waits for what is under way, then ends the session by an entry', async (t) => {
  const { node, session, apply } = await leading()
  const result = apply('a')
  const closed = session.close()
  await burst()
  const command = node.only('propose')
  t.equal(entriesOf(command).length, 1)
  node.apply(command)
  node.flush(command.proposal)
  await result
  await burst()
  const end = node.only('propose')
  t.equal(entriesOf(end)[0]?.type, ENTRY_SESSION_CLOSE)
  node.apply(end)
  await closed
})

t.test('a node that closes ends the commands of its sessions, and no timer is left', async (t) => {
  const { node, apply, session } = await leading()
  const told = fateOf(apply('told'))
  await burst()
  node.side.close(undefined)
  t.equal(await told, 'RAFT_CLOSED unknown')
  t.equal(await fateOf(apply('late')), 'RAFT_CLOSED rejected')
  await t.rejects(session.close())
  await node.time.advance(1_000_000)
  t.equal(node.time.timers, 0)
})
