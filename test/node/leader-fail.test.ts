import t from 'tap'
import { errorOf } from './fixtures/callers.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('a leader that is cut off loses its term, and what it alone has is gone', async (t) => {
  await using lists = await Lists.start()
  const [old, others] = await lists.leaderAndOthers()
  const { index } = await old.apply(text('first'))
  await lists.allTexts(index)
  const { term } = old.stats()
  lists.cluster.isolate(old.id)
  const lost = errorOf(old.apply(text('lost'), { timeoutMs: 30_000 }))
  await Promise.any(others.map((node) => node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })))
  const leaders = others.filter(({ state }) => state === 'leader')
  t.equal(leaders.length, 1)
  const [next] = leaders
  t.ok((next?.stats().term ?? 0) > term)
  const applied = await next?.apply(text('second'))
  lists.cluster.heal()
  t.match(await lost, { code: 'RAFT_LEADERSHIP_LOST', outcome: 'unknown' })
  for (const texts of await lists.allTexts(applied?.index ?? 0)) t.same(texts, ['first', 'second'])
})

t.test('a follower that was cut off has all it missed, and disturbs nobody (R-47)', async (t) => {
  await using lists = await Lists.start()
  const [leader, [follower]] = await lists.leaderAndOthers()
  const { id } = follower ?? { id: '' }
  const { term } = leader.stats()
  const contact = () => lists.cluster.node(id).stats().lastContactMs ?? 0
  lists.cluster.isolate(id)
  const commands = Array.from({ length: 100 }, (_, i) => `${i}`)
  await Promise.all(commands.map((command) => leader.apply(text(command))))
  t.not(contact(), 0, 'it says since when it hears nobody')
  await follower?.waitFor({ state: 'preCandidate' }, { timeoutMs: 10_000 })
  t.equal(follower?.stats().term, term, 'alone it only asks whether it could win')
  lists.cluster.heal()
  const { index } = await leader.apply(text('end'), { timeoutMs: 10_000 })
  for (const texts of await lists.allTexts(index)) t.same(texts, [...commands, 'end'])
  t.match(leader.stats(), { state: 'leader', term })
})

t.test('two nodes that cannot hear each other have no leader', async (t) => {
  await using lists = await Lists.start({ nodes: 2 })
  const [leader, [follower]] = await lists.leaderAndOthers()
  await leader.barrier()
  const told: boolean[] = []
  leader.on('state', ({ role }) => told.push(role === 'leader'))
  lists.cluster.isolate(leader.id)
  const verified = errorOf(leader.verifyLeader({ timeoutMs: 10_000 }))
  await leader.waitFor({ state: 'follower' }, { timeoutMs: 10_000 })
  t.equal(told[0], false)
  t.match(await verified, { code: /RAFT_(NOT_LEADER|NO_LEADER|LEADERSHIP_LOST)/ })
  t.equal(leader.leader, null)
  await follower?.waitFor({ state: 'preCandidate' }, { timeoutMs: 10_000 })
  t.equal(follower?.leader, null)
  t.ok((leader.stats().lastContactMs ?? 0) >= 0)
})
