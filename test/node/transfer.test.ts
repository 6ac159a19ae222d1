import t from 'tap'
import { isRaftError } from '../../lib/node/errors.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { virtualCounters } from './fixtures/virtual-counters.js'

/** Leadership transfer as callers see it; its rules are those of test/core/transfer.test.ts. */

/** A leader that hands over to a node that is cut off and behind: the transfer lasts an election timeout. */
async function handingOver(electionTimeoutMs: number) {
  const cluster = await virtualCounters({ config: { heartbeatTimeoutMs: 200, electionTimeoutMs } })
  const leader = await cluster.leader()
  const [target] = cluster.nodes.filter((node) => node !== leader)
  if (target === undefined) throw new Error('the cluster has three nodes')
  cluster.isolate(target.id)
  await leader.apply({ add: 1 })
  const transfer = errorOf(leader.transferLeadership(target.id))
  return { cluster, leader, target, transfer }
}

t.test('the only voter has nobody to hand over to', async (t) => {
  await using cluster = await virtualCounters({ nodes: 1 })
  const leader = await cluster.leader()
  t.match(await errorOf(leader.transferLeadership()), {
    code: 'RAFT_UNKNOWN_SERVER',
    outcome: 'rejected',
    message: /no other voter/,
  })
})

t.test(
  'neither a stranger nor the leader itself can take over, nor can a follower hand over',
  async (t) => {
    await using cluster = await virtualCounters()
    const leader = await cluster.leader()
    t.match(await errorOf(leader.transferLeadership('n9')), {
      code: 'RAFT_UNKNOWN_SERVER',
      message: /no such server/,
    })
    t.match(await errorOf(leader.transferLeadership(leader.id)), {
      code: 'RAFT_UNKNOWN_SERVER',
      message: /leads already/,
    })
    const follower = cluster.nodes.find((node) => node !== leader)
    t.equal(
      await fateOf(follower?.transferLeadership() ?? Promise.resolve()),
      'RAFT_NOT_LEADER rejected',
    )
    t.equal(leader.state, 'leader')
  },
)

t.test('a nonvoter is passed over, and refused by name', async (t) => {
  await using cluster = await virtualCounters()
  const leader = await cluster.leader()
  const [demoted, voter] = cluster.nodes.filter((node) => node !== leader)
  await leader.demoteVoter(demoted?.id ?? '')
  t.match(await errorOf(leader.transferLeadership(demoted?.id)), {
    code: 'RAFT_UNKNOWN_SERVER',
    message: /no voter/,
  })
  await leader.transferLeadership()
  await voter?.waitFor({ state: 'leader' }, { timeoutMs: 5000 })
})

t.test('with a single voter left there is no other', async (t) => {
  await using cluster = await virtualCounters({ nodes: 2 })
  const leader = await cluster.leader()
  const other = cluster.nodes.find((node) => node !== leader)
  await leader.demoteVoter(other?.id ?? '')
  t.match(await errorOf(leader.transferLeadership()), { message: /no other voter/ })
})

t.test('whatever would change the log or the members is refused meanwhile', async (t) => {
  const { cluster, leader, target, transfer } = await handingOver(5000)
  await using _ = cluster
  const list = cluster.ids.map((id) => ({ id, address: id }))
  const refused = {
    apply: leader.apply({ add: 1 }),
    applyBatch: leader.applyBatch([{ add: 1 }]),
    barrier: leader.barrier(),
    addVoter: leader.addVoter('n4', 'n4'),
    addNonvoter: leader.addNonvoter('n4', 'n4'),
    demoteVoter: leader.demoteVoter(target.id),
    removeServer: leader.removeServer(target.id),
    updateServer: leader.updateServer(target.id, { meta: { zone: 'a' } }),
    reconfigure: leader.reconfigure(list),
    restore: leader.restore({ index: 1 }, (async function* () {})()),
    transferLeadership: leader.transferLeadership(),
    'transferLeadership by name': leader.transferLeadership(target.id),
  }
  const fates = await Promise.all(
    Object.entries(refused).map(async ([name, call]) => [name, await fateOf(call)] as const),
  )
  for (const [name, fate] of fates) t.equal(fate, 'RAFT_TRANSFER_IN_PROGRESS rejected', name)
  t.match(await leader.query('total'), { result: { total: 1 } }, 'reads go on')
  await leader.close()
  t.equal((await transfer).code, 'RAFT_CLOSED', 'it ends with the node')
})

t.test('a target that is not there in time ends it, and the leader goes on', async (t) => {
  const { cluster, leader, transfer } = await handingOver(200)
  await using _ = cluster
  const error = await transfer
  t.match(error, { code: 'RAFT_TIMEOUT', message: /did not take over leadership in time/ })
  t.match(await leader.apply({ add: 1 }), { result: 2 })
})

t.test('a target that is far behind is brought up first', async (t) => {
  await using cluster = await virtualCounters({ config: { electionTimeoutMs: 5000 } })
  const leader = await cluster.leader()
  const [target] = cluster.nodes.filter((node) => node !== leader)
  const writes = Array.from({ length: 1000 }, () => leader.apply({ add: 1 }))
  const settled = Promise.allSettled(writes)
  const transfer = leader.transferLeadership(target?.id)
  await Promise.all([transfer, target?.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })])
  const failures = (await settled).filter((result) => result.status === 'rejected')
  t.ok(
    failures.every(({ reason }) => isRaftError(reason)),
    'each with a typed error',
  )
  const done = (await settled).filter(({ status }) => status === 'fulfilled').length
  const answer = await target?.query('total')
  t.ok((answer?.result.total ?? 0) >= done, 'nothing acknowledged is lost')
})

t.test(
  'seven nodes under steady writes: the one that is named leads, and nothing is lost',
  async (t) => {
    await using cluster = await virtualCounters({ nodes: 7 })
    const leader = await cluster.leader()
    const target = cluster.nodes.find((node) => node !== leader)
    const expected = new Set([
      'RAFT_NOT_LEADER',
      'RAFT_NO_LEADER',
      'RAFT_TRANSFER_IN_PROGRESS',
      'RAFT_LEADERSHIP_LOST',
    ])
    const stop = new AbortController()
    let acknowledged = 0
    let unknown = 0
    const writer = async () => {
      while (!stop.signal.aborted) {
        try {
          await leader.apply({ add: 1 })
          acknowledged++
        } catch (error) {
          if (!isRaftError(error) || !expected.has(error.code)) throw error
          if (error.outcome === 'unknown') unknown++
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }
    const writing = Promise.all([writer(), writer(), writer()])
    await leader.transferLeadership(target?.id)
    await target?.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
    stop.abort()
    await writing
    const total = (await target?.query('total'))?.result.total ?? 0
    t.ok(total >= acknowledged && total <= acknowledged + unknown, `${total} of ${acknowledged}`)
  },
)
