import t from 'tap'
import { SessionCluster } from './support/session-cluster.js'

t.setTimeout(600_000)

/** Crashes, cuts in one or both directions, and resets, one after the other. */
function trouble(cluster: SessionCluster): () => void {
  const { scheduler, network, nodes } = cluster
  const draw = (below: number) => Math.floor(scheduler.random() * below)
  let stopped = false
  const next = () => {
    scheduler.after(200 + draw(600), () => {
      if (stopped) return
      const node = nodes[draw(nodes.length)]
      const other = nodes[draw(nodes.length)]
      if (node === undefined || other === undefined) return
      switch (draw(5)) {
        case 0:
          if (node.running) {
            cluster.crash(node)
            scheduler.after(draw(1500), () => cluster.start(node))
          }
          break
        case 1:
          network.cut(node.address, other.address)
          break
        case 2:
          network.partition([node.address])
          break
        case 3:
          network.reset(node.address, other.address)
          break
        default:
          network.heal()
      }
      next()
    })
  }
  next()
  return () => {
    stopped = true
  }
}

t.test(
  'sessions under crashes and cuts: every command once, every outcome true (seeded)',
  async (t) => {
    const totals = { applied: 0, repeated: 0, unknown: 0, expired: 0 }
    for (let seed = 1; seed <= 5; seed++) {
      const cluster = new SessionCluster(seed)
      const { scheduler, network, nodes, story } = cluster
      for (const node of nodes) cluster.start(node)
      const stop = trouble(cluster)
      await scheduler.run({ forMs: 20_000 })
      stop()
      network.heal()
      await scheduler.run({ forMs: 2000 })
      for (const node of nodes) if (!node.running) cluster.start(node)
      cluster.quiet = true
      await scheduler.run({ forMs: 30_000, until: () => cluster.done })
      t.strictSame(cluster.failures, [])
      t.ok(cluster.done, `seed ${seed}: all nodes serve again`)

      const [first, ...others] = nodes.map(({ id }) => cluster.machines.get(id)?.commands ?? [])
      const commands = first ?? []
      for (const other of others) t.ok(other.join() === commands.join(), 'the replicas agree')
      const once = new Set(commands)
      t.equal(once.size, commands.length, `seed ${seed}: no command twice`)
      t.strictSame(
        [...story.applied].filter((command) => !once.has(command)),
        [],
        'none lost',
      )
      t.strictSame(
        [...story.rejected].filter((command) => once.has(command)),
        [],
        'S17',
      )
      const entries = cluster.sides.get('n1')?.view.status.lastLogIndex ?? 0
      totals.applied += story.applied.size
      totals.repeated += entries - commands.length
      totals.unknown += story.unknown
      totals.expired += story.expired
    }
    t.comment(JSON.stringify(totals))
    t.ok(totals.applied > 2000 && totals.unknown > 0, 'something happened')
  },
)
