import t from 'tap'
import { fateOf } from './fixtures/callers.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test('one node starts, leads, applies, and closes in order', async (t) => {
  await using lists = Lists.make({ nodes: 1 })
  const node = await lists.cluster.start('n1')
  await node.waitFor({ state: 'leader' }, { timeoutMs: 10_000 })
  const { index, result } = await node.apply(text('first'))
  t.ok(index > 1, 'behind the configuration and the no-op')
  t.equal(result, 1)
  t.same(lists.texts('n1'), ['first'])
  await node.close()
  t.strictSame(await node.closed, { reason: 'closed' })
  t.equal(node.state, 'closed')
})

t.test('after closing every method is refused, and closing again does nothing', async (t) => {
  await using lists = await Lists.start({ nodes: 1 })
  const node = await lists.cluster.leader()
  await node.close()
  const refused = [
    node.apply(text('late')),
    node.applyBatch([text('late')]),
    node.barrier(),
    node.verifyLeader(),
    node.readIndex(),
    node.query('all' as never),
    node.transferLeadership(),
    node.snapshot(),
    node.bootstrap([
      { id: 'n1', address: 'n1' },
      { id: 'n2', address: 'n2' },
    ]),
    node.waitFor({ leader: true }),
  ]
  for (const call of refused) t.match(await fateOf(call), /^RAFT_(CLOSED|BOOTSTRAP_MISMATCH)/)
  await node.close()
  await node.close()
  t.equal(node.state, 'closed')
})
