import t from 'tap'
import { errorOf, fateOf } from './fixtures/callers.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('a follower refuses a command each time, and says who leads and where', async (t) => {
  const meta = { http: 'http://127.0.0.1:1' }
  const bootstrap = ['n1', 'n2', 'n3'].map((id) => ({ id, address: id, meta }))
  await using lists = await Lists.start({ options: () => ({ bootstrap }) })
  const [leader, followers] = await lists.leaderAndOthers()
  for (const follower of followers) {
    await follower.waitFor({ leader: leader.id }, { timeoutMs: 10_000 })
    t.match(follower.leader, { id: leader.id, address: leader.id, meta })
    for (let i = 0; i < 2; i++) {
      t.match(await errorOf(follower.apply(text('x'))), {
        code: 'RAFT_NOT_LEADER',
        outcome: 'rejected',
        details: { leader: { id: leader.id, address: leader.id, meta } },
      })
    }
  }
  t.match(leader.leader, { id: leader.id }, 'the leader knows itself')
  t.same(lists.texts(leader.id), [])
})

t.test('a hundred commands at once are all applied, on every node in one order', async (t) => {
  await using lists = await Lists.start()
  const leader = await lists.cluster.leader()
  const calls = Array.from({ length: 100 }, (_, i) => leader.apply(text(`${i}`)))
  const applied = await Promise.all(calls)
  t.equal(new Set(applied.map(({ index }) => index)).size, 100)
  const [first, ...others] = await lists.allTexts(applied.at(-1)?.index ?? 0)
  t.equal(first?.length, 100)
  for (const texts of others) t.same(texts, first)
})

t.test('a barrier comes after all commands that were not waited for', async (t) => {
  await using lists = await Lists.start()
  const leader = await lists.cluster.leader()
  const calls = Array.from({ length: 100 }, (_, i) => leader.apply(text(`${i}`)))
  const index = await leader.barrier()
  t.equal(lists.texts(leader.id).length, 100, 'applied here when it resolves')
  for (const texts of await lists.allTexts(index)) t.equal(texts.length, 100)
  await Promise.all(calls)
})

t.test('a barrier does not resolve before what is before it can be applied', async (t) => {
  await using lists = await Lists.start()
  const leader = await lists.cluster.leader()
  lists.cluster.isolate(leader.id)
  const lost = errorOf(leader.apply(text('lost'), { timeoutMs: 10_000 }))
  t.match(await errorOf(leader.barrier({ timeoutMs: 10_000 })), { outcome: 'unknown' })
  t.match(await lost, { outcome: 'unknown' })
  t.same(lists.texts(leader.id), [])
})

t.test(
  'past its bounds a node refuses at once, and verifies its leadership meanwhile',
  async (t) => {
    await using lists = await Lists.start({
      nodes: 1,
      config: { maxPendingEntries: 256, maxBatchEntries: 64 },
    })
    const node = await lists.cluster.leader()
    const verified: Promise<number>[] = []
    const calls = Array.from({ length: 5000 }, (_, i) => {
      if (i % 500 === 0) verified.push(node.verifyLeader())
      return node.apply(text(`${i}`))
    })
    const settled = await Promise.allSettled(calls)
    const refused = settled.flatMap((call) => (call.status === 'rejected' ? [call.reason] : []))
    t.ok(refused.length > 0)
    for (const error of refused) t.match(error, { code: 'RAFT_OVERLOADED', outcome: 'rejected' })
    t.equal(lists.texts('n1').length, 5000 - refused.length, 'what was refused is not applied')
    await Promise.all(verified)
    t.match(await node.apply(text('again')), { result: 5001 - refused.length })
  },
)

t.test('a command that has no time is not proposed', async (t) => {
  await using lists = await Lists.start({ nodes: 1 })
  const node = await lists.cluster.leader()
  t.match(await fateOf(node.apply(text('x'), { timeoutMs: 0 })), /rejected$/)
  await node.barrier()
  t.same(lists.texts('n1'), [])
})
