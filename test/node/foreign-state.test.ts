import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import { TestCluster } from '../../lib/node/testing.js'
import { DurableList } from '../fixtures/machines/durable.js'
import { errorOf } from './fixtures/callers.js'

t.test('S14: a machine that holds more than log and snapshots is refused', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-state-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const options = {
    nodes: 1,
    stateMachine: () => inlineStateMachine(() => new DurableList(join(dir, 'state.json'))),
  }
  const first = new TestCluster(options)
  const node = await first.start('n1')
  await node.waitFor({ state: 'leader' })
  const { index } = await node.apply(Buffer.from('a'))
  await first.stop('n1')
  await first.start('n1')
  await first.close()
  t.pass('its own log knows what it holds')
  const another = new TestCluster(options)
  t.match(await errorOf(another.start('n1')), {
    code: 'RAFT_CORRUPT',
    message: /another data directory/,
    details: { lastApplied: index },
  })
})
