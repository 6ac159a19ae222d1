import t from 'tap'
import { checkServers, goalOf, type MemberChange } from '../../lib/core/membership.js'
import type { Configuration } from '../../lib/core/types.js'
import { members } from './helpers/cores.js'

/** `n1` a voter, `n1?` a nonvoter, with `@address` where it is not the usual one. */
function render(configuration: Configuration, change: MemberChange): string {
  const goal = goalOf(configuration, change)
  if (goal.kind === 'refused') return `${goal.unknown ? 'unknown' : 'invalid'}: ${goal.detail}`
  return goal.servers
    .map(({ id, address, suffrage }) => {
      const name = suffrage === 'voter' ? id : `${id}?`
      return address === `${id}:1` ? name : `${name}@${address}`
    })
    .join(' ')
}

const named = (id: string, address = `${id}:1`) => ({ id, address })
const addVoter = (id: string, address?: string): MemberChange => ({
  kind: 'addVoter',
  server: named(id, address),
  immediate: false,
})
const addNonvoter = (id: string, address?: string): MemberChange => ({
  kind: 'addNonvoter',
  server: named(id, address),
})
const demote = (peer: string): MemberChange => ({ kind: 'demoteVoter', peer })
const remove = (peer: string): MemberChange => ({ kind: 'removeServer', peer })

const rows: readonly (readonly [string, readonly string[], MemberChange, string])[] = [
  ['addVoter of a stranger appends it', ['n1'], addVoter('n2'), 'n1 n2'],
  ['addVoter of a voter replaces its address', ['n1'], addVoter('n1', 'x:9'), 'n1@x:9'],
  ['addVoter of a nonvoter gives it a vote', ['n1', 'n2?'], addVoter('n2'), 'n1 n2'],
  ['addVoter to nobody makes the first voter', [], addVoter('n1'), 'n1'],
  ['addNonvoter of a stranger appends it', ['n1'], addNonvoter('n2'), 'n1 n2?'],
  ['addNonvoter of a voter keeps its vote', ['n1'], addNonvoter('n1', 'x:9'), 'n1@x:9'],
  [
    'addNonvoter of a nonvoter replaces its address',
    ['n1', 'n2?'],
    addNonvoter('n2', 'x:9'),
    'n1 n2?@x:9',
  ],
  ['addNonvoter to nobody', [], addNonvoter('n1'), 'invalid: at least one voter is needed'],
  ['demoteVoter takes the vote', ['n1', 'n2'], demote('n2'), 'n1 n2?'],
  ['demoteVoter of a nonvoter changes nothing', ['n1', 'n2?'], demote('n2'), 'n1 n2?'],
  ['demoteVoter of the last voter', ['n1'], demote('n1'), 'invalid: at least one voter is needed'],
  ['removeServer drops a voter', ['n1', 'n2'], remove('n2'), 'n1'],
  ['removeServer drops a nonvoter', ['n1', 'n2?'], remove('n2'), 'n1'],
  ['removeServer of the last one', ['n1'], remove('n1'), 'invalid: at least one voter is needed'],
  [
    'removeServer of a stranger',
    ['n1', 'n2'],
    remove('n9'),
    'unknown: there is no server n9; the members are n1, n2',
  ],
  [
    'an address that is taken',
    ['n1'],
    addVoter('n2', 'n1:1'),
    'invalid: address n1:1 is there twice',
  ],
  [
    'updateServer changes the address and keeps the vote',
    ['n1', 'n2?'],
    { kind: 'updateServer', peer: 'n2', address: 'x:9' },
    'n1 n2?@x:9',
  ],
]

for (const [name, before, change, after] of rows) {
  t.test(name, async (t) => {
    t.equal(render(members(before), change), after)
  })
}

t.test('who is there keeps the entry that added it, and meta that is not mentioned', async (t) => {
  const [n1] = members(1).servers
  const servers = [
    { ...n1, id: 'n1', address: 'n1:1', suffrage: 'voter', addedAt: 7, meta: { a: 'b' } },
  ]
  const goal = goalOf({ servers } as Configuration, addVoter('n1', 'x:9'))
  t.same(goal.kind === 'servers' && goal.servers[0], {
    id: 'n1',
    address: 'x:9',
    suffrage: 'voter',
    addedAt: 7,
    meta: { a: 'b' },
  })
})

t.test('a list of servers is checked as a whole', async (t) => {
  const one = { id: 'n1', address: 'a:1', suffrage: 'voter' } as const
  t.equal(checkServers([one]), null)
  t.equal(checkServers([]), 'at least one voter is needed')
  t.equal(checkServers([{ ...one, id: '' }]), 'a server has an empty id')
  t.equal(checkServers([{ ...one, address: '' }]), 'server n1 has an empty address')
  t.equal(checkServers([one, { ...one, address: 'b:1' }]), 'id n1 is there twice')
  t.equal(checkServers([one, { ...one, id: 'n2' }]), 'address a:1 is there twice')
  const many = Array.from({ length: 31 }, (_, i) => ({ ...one, id: `n${i}`, address: `a:${i}` }))
  t.match(checkServers(many), '31 servers are more than the 30')
})
