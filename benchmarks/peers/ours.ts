import { BenchCluster } from '../cluster/bench-cluster.js'
import type { StoreName } from '../cluster/node-calls.js'
import { measureOperation } from '../store.js'
import type { Contestant } from './contestant.js'

export function ours(store: StoreName): Contestant {
  return {
    name: `troupe-${store}`,
    prepare: async () => null,
    start: async (dir) => {
      const cluster = await BenchCluster.start({ nodes: 3, store, dir })
      const leader = await cluster.leader()
      return { load: (options) => leader.call('load', options), close: () => cluster.close() }
    },
    storeLogs: async (dir, seconds) =>
      (await measureOperation('StoreLogs', { store, size: 256, batch: 64, seconds }, dir)).ops_s,
  }
}
