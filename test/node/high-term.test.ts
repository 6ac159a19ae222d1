import t from 'tap'
import { Lists, text } from './fixtures/list-cluster.js'

t.test(
  'a nonvoter that comes back with a far higher term does not unseat the cluster',
  async (t) => {
    await using lists = await Lists.start({ config: { preVote: false } })
    const [leader, [follower]] = await lists.leaderAndOthers()
    const id = follower?.id ?? ''
    const before = await leader.apply(text('before'))
    await lists.allTexts(before.index)
    lists.cluster.isolate(id)
    // Alone and without pre-votes it raises its term with each election that it cannot win.
    const term = leader.stats().term
    while ((follower?.stats().term ?? 0) < term + 4) await new Promise((r) => setImmediate(r))
    await leader.demoteVoter(id)
    const raised = follower?.stats().term ?? 0
    lists.cluster.heal()
    const leads = () => lists.nodes.find(({ state }) => state === 'leader')
    while ((leads()?.stats().term ?? 0) < raised) await new Promise((r) => setImmediate(r))
    const now = await lists.cluster.leader()
    t.not(now.id, id)
    const end = await now.apply(text('after'), { timeoutMs: 10_000 })
    for (const texts of await lists.allTexts(end.index)) t.same(texts, ['before', 'after'])
    t.match(follower?.stats(), { state: 'follower', nonvoters: 1 })
    await now.addVoter({ id, address: id }, { timeoutMs: 10_000 })
    const last = await now.apply(text('last'))
    for (const texts of await lists.allTexts(last.index)) t.same(texts, ['before', 'after', 'last'])
  },
)
