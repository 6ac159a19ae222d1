import t from 'tap'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('a follower that restarts causes no election', async (t) => {
  await using lists = await Lists.start()
  const [leader, [follower]] = await lists.leaderAndOthers()
  const { id } = follower ?? { id: '' }
  const before = await leader.apply(text('before'))
  await lists.allTexts(before.index)
  const { term } = leader.stats()
  const votes: unknown[] = []
  for (const node of lists.nodes) node.on('vote', (event) => votes.push(event))
  await lists.cluster.stop(id)
  const again = await lists.cluster.start(id)
  await again.waitFor({ leader: leader.id }, { timeoutMs: 10_000 })
  const { index } = await leader.apply(text('after'))
  for (const texts of await lists.allTexts(index)) t.same(texts, ['before', 'after'])
  t.match(leader.stats(), { state: 'leader', term })
  t.same(votes, [])
})

t.test('a replay shows the same index, term and time of each command (R-05, R-06)', async (t) => {
  await using lists = await Lists.start()
  for (let round = 0; round < 3; round++) {
    const [leader, [next]] = await lists.leaderAndOthers()
    for (let i = 0; i < 3; i++) await leader.apply(text(`${round}.${i}`))
    await lists.handOver(next?.id ?? '')
  }
  const leader = await lists.cluster.leader()
  const { index } = await leader.apply(text('end'))
  await lists.allTexts(index)
  const live = lists.items('n1')
  t.equal(live.length, 10)
  t.ok(live.every((item) => item.term > 0))
  t.same(
    live.map((item) => item.index),
    [...new Set(live.map((item) => item.index))],
    'each its own',
  )
  for (const id of lists.cluster.ids) t.same(lists.items(id), live)
  await lists.cluster.stop('n1')
  await lists.cluster.start('n1')
  await lists.allTexts(index)
  t.same(lists.items('n1'), live)
})

t.test('a directory that holds state is not bootstrapped by another list', async (t) => {
  let bootstrap = [{ id: 'n1', address: 'n1' }]
  await using lists = await Lists.start({ nodes: 1, options: () => ({ bootstrap }) })
  await (await lists.cluster.leader()).apply(text('kept'))
  await lists.cluster.stop('n1')
  bootstrap = [...bootstrap, { id: 'n2', address: 'n2' }]
  const again = await lists.cluster.start('n1')
  await again.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
  await again.barrier()
  t.same(lists.texts('n1'), ['kept'])
  const { servers } = await again.configuration()
  t.same(
    servers.map(({ id }) => id),
    ['n1'],
  )
})
