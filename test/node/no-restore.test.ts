import t from 'tap'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('restoreSnapshotOnStart false: a machine starts empty behind the snapshot', async (t) => {
  await using lists = await Lists.start({
    nodes: 1,
    config: { restoreSnapshotOnStart: false, trailingLogEntries: 0 },
  })
  const node = await lists.cluster.leader()
  for (const command of ['a', 'b', 'c']) await node.apply(text(command))
  const { index } = await node.snapshot()
  const { index: last } = await node.apply(text('d'))
  await lists.cluster.stop('n1')
  const again = await lists.cluster.start('n1')
  await again.waitFor({ applied: last }, { timeoutMs: 10_000 })
  t.same(lists.texts('n1'), ['d'], 'what is behind the snapshot comes from the log')
  t.ok(last > index)
  await again.apply(text('e'))
  t.same(lists.texts('n1'), ['d', 'e'])
})
