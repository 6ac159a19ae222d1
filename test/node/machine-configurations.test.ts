import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import { List } from '../fixtures/machines/list.js'
import { VirtualCluster } from '../helpers/virtual-cluster.js'
import { text } from './fixtures/list-cluster.js'

/** Remembers, among its commands, which members it was told of. */
class Aware extends List {
  readonly heard: string[] = []

  override apply(entry: Parameters<List['apply']>[0]): number {
    this.heard.push(Buffer.from(entry.command).toString())
    return super.apply(entry)
  }

  configurationChanged(_index: number, servers: readonly { id: string; suffrage: string }[]): void {
    const names = servers.map(({ id, suffrage }) => (suffrage === 'voter' ? id : `${id}?`))
    this.heard.push(names.join(' '))
  }
}

t.test(
  'S14: machines hear of members in their place, on a replay and after a snapshot',
  async (t) => {
    const machines = new Map<string, Aware>()
    await using cluster = await VirtualCluster.start({
      config: { trailingLogEntries: 0 },
      stateMachine: (id) =>
        inlineStateMachine(() => {
          const made = new Aware()
          machines.set(id, made)
          return made
        }),
    })
    const heard = (id: string) => machines.get(id)?.heard
    const leader = await cluster.leader()
    const [other] = cluster.ids.filter((id) => id !== leader.id)
    const follower = other ?? ''
    await leader.apply(text('a'))
    await leader.demoteVoter(follower)
    await leader.apply(text('b'))
    await leader.addVoter({ id: follower, address: follower })
    const { index } = await leader.apply(text('c'))
    const settled = () =>
      Promise.all(
        cluster.nodes.map((node) => node.waitFor({ applied: index }, { timeoutMs: 10_000 })),
      )
    await settled()
    const all = 'n1 n2 n3'
    const less = cluster.ids.map((id) => (id === follower ? `${id}?` : id)).join(' ')
    const expected = [all, 'a', less, 'b', all, 'c']
    for (const id of cluster.ids) t.same(heard(id), expected, id)

    await cluster.stop(follower)
    await cluster.start(follower)
    await settled()
    t.same(heard(follower), expected, 'a replay tells the same')

    await cluster.node(follower).snapshot()
    await cluster.stop(follower)
    await cluster.start(follower)
    await settled()
    t.same(heard(follower), [all], 'a snapshot brings the newest')
  },
)
