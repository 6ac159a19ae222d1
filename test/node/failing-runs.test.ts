import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import { BatchingList } from '../fixtures/machines/batching.js'
import { VirtualCluster } from '../helpers/virtual-cluster.js'
import { text } from './fixtures/list-cluster.js'

/** A list that cannot apply the command `bad`, in whatever run it comes. */
class BadList extends BatchingList {
  readonly #failures: number[][]

  constructor(failures: number[][]) {
    super({})
    this.#failures = failures
  }

  override applyBatch(entries: Parameters<BatchingList['applyBatch']>[0]) {
    if (entries.some(({ command }) => Buffer.from(command).toString() === 'bad')) {
      this.#failures.push(entries.map(({ index }) => index))
      throw new Error('planted failure')
    }
    return super.applyBatch(entries)
  }
}

t.test('S14: a run that fails as one is known again, however it is cut', async (t) => {
  const failures: number[][] = []
  await using cluster = await VirtualCluster.start({
    nodes: 1,
    stateMachine: () => inlineStateMachine(() => new BadList(failures)),
    config: { restartMinMs: 1, restartMaxMs: 1 },
  })
  const node = await cluster.leader()
  for (const command of ['a', 'b', 'c']) await node.apply(text(command))
  const lost = node.apply(text('bad')).catch(() => {})
  const { reason, error } = await node.closed
  await lost
  t.equal(reason, 'failed')
  t.equal(failures.length, 2, 'live, and once from the durable state')
  t.not(failures[0]?.[0], failures[1]?.[0], 'the replay took it in a longer run')
  t.match(error, { code: 'RAFT_STATE_MACHINE_FAILED', message: /planted failure/ })
})
