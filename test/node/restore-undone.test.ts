import { Readable } from 'node:stream'
import t from 'tap'
import { errorOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

/** A restore that only its leader knows of is no restore: uncertain.ts says what follows. */

type CounterNode = Awaited<ReturnType<typeof counters>>['nodes'][number]

const bytesOf = (total: number) => Readable.from([Buffer.from(String(total))])

async function total(node: CounterNode): Promise<number> {
  return (await node.query('total')).result.total
}

async function add(node: CounterNode, times: number): Promise<number> {
  let index = 0
  for (let i = 0; i < times; i++) index = (await node.apply({ add: 1 })).index
  return index
}

for (const offset of [0, 50]) {
  t.test(
    `a leader alone with a restore (index + ${offset}) comes back to what the others have`,
    async (t) => {
      await using cluster = await counters({ nodes: 5, config: { heartbeatTimeoutMs: 500 } })
      const old = await cluster.leader()
      const last = await add(old, 10)
      const others = cluster.nodes.filter((node) => node !== old)
      await Promise.all(others.map((node) => node.waitFor({ applied: last })))
      cluster.isolate(old.id)
      const restore = errorOf(old.restore({ index: last + offset }, bytesOf(1000)))
      // It does not hear that it is alone before the snapshot stands in its log.
      await old.waitFor({ state: 'follower' })
      t.match(await restore, { code: 'RAFT_LEADERSHIP_LOST', outcome: 'unknown' })
      t.equal(
        (await old.query('total', { consistency: 'stale', timeoutMs: 300 }).catch(() => null))
          ?.result.total ?? 10,
        10,
        'its state machine has not seen it',
      )
      const found = new AbortController()
      const next = await Promise.any(
        others.map(async (node) => {
          await node.waitFor({ state: 'leader' }, { signal: found.signal, timeoutMs: 15_000 })
          return node
        }),
      )
      found.abort()
      await add(next, 5)
      cluster.heal()
      const end = await add(next, 5)
      await old.waitFor({ applied: end }, { timeoutMs: 15_000 })
      for (const node of cluster.nodes) t.equal(await total(node), 20)
      const disk = old.stats()
      t.equal(disk.appliedIndex >= end, true)
      // On what its disk holds now it is like the others.
      await cluster.stop(old.id)
      await add(next, 1)
      const again = await cluster.start(old.id)
      await again.waitFor({ applied: end + 1 }, { timeoutMs: 15_000 })
      t.equal(await total(again), 21)
    },
  )
}
