import { BenchCluster } from '../cluster/bench-cluster.js'
import type { CallerActor, StoreName } from '../cluster/node-calls.js'
import { measureOperation } from '../store.js'
import type { Contestant } from './contestant.js'

/** `caller`: actors that run on the program's main thread, as consensus does; the others have theirs. */
export function ours(
  store: StoreName,
  name = `troupe-${store}`,
  caller: readonly CallerActor[] = [],
): Contestant {
  return {
    name,
    prepare: async () => null,
    start: async (dir) => {
      const cluster = await BenchCluster.start({ nodes: 3, store, caller, dir })
      const leader = await cluster.leader()
      return { load: (options) => leader.call('load', options), close: () => cluster.close() }
    },
    storeLogs: async (dir, seconds) => {
      // The store is the same, wherever other actors run.
      if (caller.length > 0) return null
      const settings = { store, size: 256, batch: 64, seconds }
      return (await measureOperation('StoreLogs', settings, dir)).ops_s
    },
  }
}
