import type { Server } from '../core/types.js'
import type { StateMachineSpec } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import type { ActorLogger } from '../runtime/actor.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import { checkServers } from './bootstrap-list.js'
import { RaftError } from './errors.js'
import { checkStateMachine, resolveDataDir, resolveStore, snapshotsBeside } from './options.js'
import type { RecoverOptions } from './recovery-types.js'

/** The options of a recovery, complete and checked. */
export interface ResolvedOffline {
  readonly dataDir: string
  readonly cluster: string | undefined
  readonly id: string | undefined
  readonly store: StoreSpec
  readonly snapshots: SnapshotStoreSpec
  readonly stateMachine: StateMachineSpec
  readonly servers: readonly Omit<Server, 'addedAt'>[]
  readonly dryRun: boolean
  readonly logger: ActorLogger | undefined
}

/** @throws RaftError RAFT_CONFIG_INVALID */
export function resolveOffline(given: RecoverOptions): ResolvedOffline {
  checkStateMachine(given.stateMachine)
  const store = resolveStore(given.store)
  return {
    dataDir: resolveDataDir(given.dataDir, store),
    cluster: given.cluster,
    id: given.id,
    store,
    snapshots: given.snapshots ?? snapshotsBeside(store),
    stateMachine: given.stateMachine,
    servers: checkServers(given.servers, null, 'servers'),
    dryRun: given.dryRun === true,
    logger: given.logger,
  }
}

export function noInitialState(why: string): RaftError {
  return new RaftError(
    'RAFT_NOT_BOOTSTRAPPED',
    `refused to recover: no initial state: ${why}. Give the data directory of a node that was a member`,
    { outcome: null },
  )
}
