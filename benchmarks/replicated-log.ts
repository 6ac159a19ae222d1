import type { Surroundings } from './benchmark.js'
import { BenchCluster } from './cluster/bench-cluster.js'
import { CALLER_ACTORS } from './cluster/node-calls.js'
import { amount, anyOf, oneOf, type SettingsOf, whole } from './flags.js'

const flags = {
  nodes: whole(3, 1, 9),
  inflight: whole(1024, 1, 131_072),
  size: whole(256, 0, 4_194_304),
  store: oneOf('lmdb', 'wal', 'memory'),
  seconds: amount(5, 0.1, 3600),
  warmup: amount(15, 0, 600),
  threads: oneOf('dedicated', 'shared'),
  consensus: oneOf('caller', 'worker'),
  caller: anyOf(CALLER_ACTORS),
}

/**
 * A replicated log as a program embeds it: one process a node, TCP on loopback, every acknowledgement
 * flushed, the load from the leader's own process through `node.apply`, closed loop, one promise a
 * command.
 */
async function run(
  settings: SettingsOf<typeof flags>,
  { dir, report }: Surroundings,
): Promise<void> {
  const { nodes, store, threads, consensus, inflight, size, seconds, warmup } = settings
  const caller = CALLER_ACTORS.filter((actor) => settings.caller.split(',').includes(actor))
  const cluster = await BenchCluster.start({ nodes, store, threads, consensus, caller, dir })
  try {
    const leader = await cluster.leader()
    report({
      ...(await leader.call('load', { inflight, size, seconds, warmUpSeconds: warmup })),
    })
  } finally {
    await cluster.close()
  }
}

export const benchmark = { flags, run }
