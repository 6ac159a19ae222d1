import t from 'tap'
import { errorOf } from './fixtures/callers.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('a leader without a majority removes nobody, and the others go on', async (t) => {
  await using lists = await Lists.start({ nodes: 5 })
  const [old, others] = await lists.leaderAndOthers()
  const { index } = await old.apply(text('first'))
  await lists.allTexts(index)
  const alone = others.slice(0, 1).map(({ id }) => id)
  const rest = others.slice(1)
  for (const one of [old.id, ...alone]) {
    for (const { id } of rest) lists.cluster.partition(one, id)
  }
  const removal = await errorOf(old.removeServer(alone[0] ?? '', { timeoutMs: 10_000 }))
  t.match(removal, { code: /RAFT_(LEADERSHIP_LOST|NO_LEADER|TIMEOUT)/ })
  await Promise.any(rest.map((node) => node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })))
  await rest[0]?.apply(text('second'), { forward: true, timeoutMs: 10_000 })
  lists.cluster.heal()
  const last = await rest[0]?.apply(text('third'), { forward: true, timeoutMs: 10_000 })
  for (const texts of await lists.allTexts(last?.index ?? 0)) {
    t.same(texts, ['first', 'second', 'third'])
  }
  for (const node of lists.nodes) t.equal((await node.configuration()).servers.length, 5)
})
