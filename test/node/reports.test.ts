import t from 'tap'
import type { RaftEvent } from '../../lib/node/events.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test(
  'R-19, R-53: every node tells of an election: votes, roles with cause, leader',
  async (t) => {
    await using lists = await Lists.start()
    const [old, others] = await lists.leaderAndOthers()
    const told = new Map<string, RaftEvent[]>(lists.cluster.ids.map((id) => [id, []]))
    for (const node of others) {
      for (const kind of ['state', 'vote', 'leader'] as const) {
        node.on(kind, (event) => told.get(node.id)?.push(event as RaftEvent))
      }
    }
    lists.cluster.isolate(old.id)
    const [next] = await Promise.any(
      others.map(async (node) => {
        await node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
        return [node] as const
      }),
    )
    const voter = others.find((node) => node !== next)
    await voter?.waitFor({ leader: next.id }, { timeoutMs: 10_000 })
    const term = next.stats().term
    t.match(
      told
        .get(next.id)
        ?.filter(({ kind }) => kind === 'state')
        .slice(-3),
      [
        { role: 'preCandidate', cause: /no leader heard/ },
        { role: 'candidate', term },
        { role: 'leader', term, cause: 'a quorum of votes' },
      ],
    )
    const votes = told.get(voter?.id ?? '')?.filter(({ kind }) => kind === 'vote') ?? []
    t.match(votes.at(-1), { candidate: next.id, term, preVote: false, granted: true })
    for (const node of others)
      t.match(told.get(node.id)?.at(-1), { kind: 'leader', leader: next.id })
  },
)

t.test('R-39: what a caller does with what it was given harms nobody', async (t) => {
  await using lists = await Lists.start()
  const leader = await lists.cluster.leader()
  const given = (await leader.configuration()) as unknown as { servers: { address: string }[] }
  for (const server of given.servers) server.address = 'nowhere'
  given.servers.length = 0
  t.equal((await leader.configuration()).servers.length, 3)
  t.match((await leader.configuration()).servers[0], { address: 'n1' })
  const { index } = await leader.apply(text('a'))
  t.same(await lists.allTexts(index), [['a'], ['a'], ['a']])
})
