import { maxCommandBytes } from '../kv/kv-commands.js'
import { type KvTypes, keyValueStateMachine } from '../kv/replica.js'
import type { StoreSpec } from '../log/store.js'
import { lmdbStore, memoryStore, walStore } from '../log/stores.js'
import type { RaftNodeOptions } from '../node/options.js'
import type { ActorLogger } from '../runtime/actor.js'
import { tcpTransport } from '../transport/transports.js'
import { exitUsage, Failure } from './failure.js'
import type { StoreName } from './option-values.js'
import { transportSecurity } from './security-options.js'
import type { ServeOptions } from './serve.js'

/** What `troupe serve` starts a node with. */
export function nodeOptions(given: ServeOptions, logger: ActorLogger): RaftNodeOptions<KvTypes> {
  const { cluster, id, dir, store, bootstrap, heartbeatTimeoutMs } = given
  if (dir === undefined && store !== 'memory') {
    throw new Failure('give the data directory: --dir PATH', {
      code: 'RAFT_CONFIG_INVALID',
      exitCode: exitUsage,
    })
  }
  return {
    cluster,
    id,
    dataDir: dir,
    transport: transportOf(given),
    store: storeOf(store),
    stateMachine: keyValueStateMachine(),
    bootstrap,
    config: {
      // A value of the largest size, with its key and the lengths around them.
      maxEntryBytes: maxCommandBytes,
      ...(heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs }),
    },
    logger,
  }
}

function transportOf({ raft, id, bootstrap, insecure = false, ...given }: ServeOptions) {
  // A wildcard is no address to dial; what the members call this node is in their list.
  const advertise = given.advertise || bootstrap?.find((server) => server.id === id)?.address
  return tcpTransport({
    listen: raft,
    insecure,
    ...transportSecurity(given),
    ...(advertise !== undefined && { advertise }),
  })
}

function storeOf(store: StoreName): StoreSpec {
  switch (store) {
    case 'lmdb':
      return lmdbStore()
    case 'memory':
      return memoryStore()
    case 'wal':
      return walStore()
  }
}
