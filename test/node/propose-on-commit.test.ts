import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import { List } from '../fixtures/machines/list.js'
import { VirtualCluster } from '../helpers/virtual-cluster.js'
import { text } from './fixtures/list-cluster.js'

const ROUNDS = 30

t.test('R-25: what one node sees committed it answers, until all have seen all', async (t) => {
  const nodes = new Map<string, RaftNode<never>>()
  const answers: Promise<unknown>[] = []
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  /** Number i is the turn of the node i mod 3. */
  const seen = (id: string, number: number) => {
    if (number >= ROUNDS) return finish()
    if (id !== `n${(number % 3) + 1}`) return
    const options = { forward: true, timeoutMs: 20_000 }
    answers.push(nodes.get(id)?.apply(text(`${number + 1}`), options) ?? Promise.resolve())
  }
  const machine = (id: string) =>
    inlineStateMachine(() => {
      const list = new List()
      const apply = list.apply.bind(list)
      return Object.assign(list, {
        apply(entry: Parameters<List['apply']>[0]) {
          const length = apply(entry)
          queueMicrotask(() => seen(id, Number(Buffer.from(entry.command).toString())))
          return length
        },
      })
    })
  await using cluster = await VirtualCluster.start({ stateMachine: machine })
  for (const node of cluster.nodes) nodes.set(node.id, node)
  await cluster.nodes[0]?.apply(text('0'), { forward: true })
  await finished
  await Promise.all(answers)
  t.equal(answers.length, ROUNDS)
})
