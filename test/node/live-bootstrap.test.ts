import t from 'tap'
import { fateOf } from './fixtures/callers.js'
import { Lists, text } from './fixtures/list-cluster.js'

const list = ['n1', 'n2', 'n3'].map((id) => ({ id, address: id }))

/** Three nodes that belong to no cluster yet. */
async function unborn() {
  const lists = Lists.make({ options: () => ({ bootstrap: undefined }) })
  const started = lists.cluster.ids.map((id) => lists.cluster.start(id))
  return { lists, nodes: await Promise.all(started) }
}

t.test(
  'S16: a quorum that is given the same list becomes a cluster, the rest follow it',
  async (t) => {
    const { lists, nodes } = await unborn()
    await using _ = lists
    const [first, second] = nodes
    const early = first?.apply(text('early')) ?? Promise.resolve()
    t.equal(await fateOf(early), 'RAFT_NOT_BOOTSTRAPPED rejected')
    t.strictSame(await first?.bootstrap(list), { bootstrapped: true })
    t.strictSame(await second?.bootstrap([...list].reverse()), { bootstrapped: true })
    const leader = await lists.cluster.leader()
    const { index } = await leader.apply(text('a'))
    t.same(await lists.allTexts(index), [['a'], ['a'], ['a']])
    t.strictSame(
      await first?.bootstrap(list),
      { bootstrapped: false },
      'the same again is harmless',
    )
    const other = first?.bootstrap(list.slice(0, 2)) ?? Promise.resolve()
    t.equal(await fateOf(other), 'RAFT_BOOTSTRAP_MISMATCH rejected')
  },
)

t.test('a nonvoter takes the same list, follows and applies, and never leads', async (t) => {
  const suffrage = (id: string) => (id === 'n3' ? ('nonvoter' as const) : ('voter' as const))
  const bootstrap = list.map((server) => ({ ...server, suffrage: suffrage(server.id) }))
  await using lists = await Lists.start({ options: () => ({ bootstrap }) })
  for (const id of ['n1', 'n2', 'n1']) {
    const leader = await lists.cluster.leader()
    const { index } = await leader.apply(text('a'))
    const texts = await lists.allTexts(index)
    t.same(texts[2], texts[0])
    await lists.handOver(id)
  }
  const leader = await lists.cluster.leader()
  t.equal(await fateOf(leader.transferLeadership('n3')), 'RAFT_UNKNOWN_SERVER rejected')
  t.match(lists.cluster.node('n3').stats(), { state: 'follower', voters: 2, nonvoters: 1 })
})
