import t from 'tap'
import { Lists } from './fixtures/list-cluster.js'

t.test('a leader that a quorum hears is verified, whoever else is cut off', async (t) => {
  await using lists = await Lists.start()
  const [leader, [follower]] = await lists.leaderAndOthers()
  t.ok((await leader.verifyLeader()) > 0)
  lists.cluster.isolate(follower?.id ?? '')
  t.ok((await leader.verifyLeader()) > 0)
})

t.test('a single node is verified by itself', async (t) => {
  await using lists = await Lists.start({ nodes: 1 })
  t.ok((await (await lists.cluster.leader()).verifyLeader()) > 0)
})
