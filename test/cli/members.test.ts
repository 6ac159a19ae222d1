import t from 'tap'
import { memberRow } from '../../lib/cli/members.js'
import type { MemberHealth, Members } from '../../lib/kv/service-members.js'

const members: Members = {
  index: 1,
  committedIndex: 1,
  electionTimeoutMs: 1000,
  leader: null,
  servers: [],
}

function stateOf(health: Partial<MemberHealth>): readonly string[] {
  const server = {
    id: 'n2',
    address: 'h:1',
    http: null,
    suffrage: 'voter',
    meta: {},
    leader: false,
  }
  const well = { matchIndex: 7, lastContactMs: 30, roundTripMs: 0.5, incarnation: 'known' } as const
  return memberRow({ ...server, health: { ...well, ...health } }, members).slice(-4)
}

t.test('a member that is not heard for an election timeout is silent, not well', async (t) => {
  t.strictSame(stateOf({}), ['7', '30 ms', '0.5 ms', 'ok'])
  t.strictSame(stateOf({ lastContactMs: 1000 }), ['7', '1000 ms', '0.5 ms', 'ok'])
  t.strictSame(stateOf({ lastContactMs: 1001 }), ['7', '1001 ms', '-', 'silent'])
})

t.test('one that was never reached, or lost its state, is told as that', async (t) => {
  const never = { matchIndex: 0, lastContactMs: null, roundTripMs: null }
  t.strictSame(stateOf({ ...never, incarnation: 'unseen' }), ['0', '-', '-', 'not reached'])
  t.equal(stateOf({ lastContactMs: 5000, incarnation: 'lost' }).at(-1), 'lost its state')
})
