import t from 'tap'
import type { LiveHealth, LiveMember } from '../../../lib/kv/page/live-message.js'
import { type Facts, verdictsOf } from '../../../lib/kv/page/verdicts.js'

const well: LiveHealth = {
  matchIndex: 100,
  behind: 0,
  lastContactMs: 20,
  roundTripMs: 0.5,
  condition: 'ok',
}

function member(id: string, more: Partial<LiveMember> = {}): LiveMember {
  const base = { id, address: `${id}:1`, http: null, suffrage: 'voter', leader: false, self: false }
  return { ...base, health: well, ...more }
}

const three = [member('n1', { self: true, leader: true }), member('n2'), member('n3')]

/** n1 leads three voters that all answer, unless told otherwise. */
function facts(more: Partial<Facts> = {}): Facts {
  return {
    node: { id: 'n1', state: 'leader', term: 4, leader: 'n1', lastContactMs: 0 },
    indexes: { committed: 100, applied: 100 },
    members: three,
    healthKnown: true,
    electionTimeoutMs: 1000,
    committedPerS: 10,
    refusedPerS: 0,
    ...more,
  }
}

const told = (given: Facts) => verdictsOf(given).map(({ level, text }) => `${level}: ${text}`)

const silent = (lastContactMs: number): Partial<LiveMember> => ({
  health: { ...well, condition: 'silent', lastContactMs },
})

t.test('nothing is wrong', async (t) => {
  t.strictSame(told(facts()), ['ok: n1 leads in term 4. All 3 voters answer; 1 of them may fail.'])
  const follower = {
    id: 'n2',
    state: 'follower',
    term: 4,
    leader: 'n1',
    lastContactMs: 42,
  } as const
  t.strictSame(told(facts({ node: follower, healthKnown: false })), [
    'ok: n2 follows n1 in term 4, heard 42 ms ago.',
  ])
  t.strictSame(told(facts({ members: three.slice(0, 1) })), [
    'ok: n1 leads term 4 alone: nothing is replicated.',
  ])
})

t.test('members do not answer: what may still fail', async (t) => {
  const one = [three[0], three[1], member('n3', silent(12_000))] as LiveMember[]
  t.strictSame(told(facts({ members: one })), [
    'warn: n3 does not answer, for 12 s now. 2 of 3 voters are left, and none of them may fail.',
  ])
  const two = [three[0], member('n2', silent(3000)), member('n3', silent(12_000))] as LiveMember[]
  t.strictSame(told(facts({ members: two })), [
    'bad: n2 and n3 do not answer, for 3.0 s now. 1 of 3 voters is left: nothing can be committed.',
  ])
})

t.test('there is no leader, or it is not heard', async (t) => {
  const node = { id: 'n2', state: 'follower', term: 4, leader: null, lastContactMs: 1500 } as const
  const none = facts({ node, healthKnown: false })
  t.strictSame(told(none), [
    'bad: There is no leader. Writes and linearizable reads wait until 2 of 3 voters have elected one.',
  ])
  const standing = { ...none, node: { ...node, state: 'preCandidate' as const } }
  t.strictSame(told(standing), [
    'bad: There is no leader. n2 asks for pre-votes in term 5; it takes 2 of 3 voters to elect one.',
  ])
  t.strictSame(told({ ...none, node: { ...node, leader: 'n1' } }), [
    'bad: n2 last heard its leader n1 1.5 s ago.',
  ])
})

t.test('a member lags, or came back without its state', async (t) => {
  const behind = member('n2', { health: { ...well, behind: 12_345, condition: 'behind' } })
  const lost = member('n3', { health: { ...well, condition: 'lost' } })
  t.strictSame(told(facts({ members: [...three.slice(0, 1), behind, lost] })), [
    'warn: n3 came back without what it had acknowledged, and counts for nothing: remove it and add it again.',
    'warn: n2 is 12,345 entries behind what is committed.',
  ])
})

t.test('this node is closed, in no cluster, or no member', async (t) => {
  const { node } = facts()
  t.match(told(facts({ node: { ...node, state: 'closed' } })), [/^bad: n1 is closed/])
  const fresh = { ...node, state: 'follower', leader: null } as const
  t.match(told(facts({ node: fresh, members: [] })), [/^warn: n1 belongs to no cluster yet/])
  const others = three.slice(1).map((one) => ({ ...one, leader: one.id === 'n2' }))
  const removed = { ...node, state: 'follower', leader: 'n2', lastContactMs: 5 } as const
  t.match(told(facts({ node: removed, members: others })), [/^warn: n1 is not a member/])
})

t.test('too much work', async (t) => {
  const busy = facts({ indexes: { committed: 50_000, applied: 10_000 }, refusedPerS: 7 })
  t.strictSame(told(busy), [
    'warn: The state machine of n1 is 40,000 entries behind what is committed.',
    'warn: n1 refuses 7 calls a second because too many are pending.',
  ])
})

t.test('only news has another key: what is read aloud is not read every second', async (t) => {
  const at = (ms: number) => facts({ members: [...three.slice(0, 2), member('n3', silent(ms))] })
  const keys = (given: Facts) => verdictsOf(given).map(({ key }) => key)
  t.strictSame(keys(at(5000)), keys(at(6000)))
  t.notSame(keys(at(5000)), keys(facts()))
})
