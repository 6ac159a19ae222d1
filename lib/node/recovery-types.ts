import type { StateMachineSpec } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import type { ActorLogger } from '../runtime/actor.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import type { ServerOptions } from './options.js'

/** What `RaftNode.recover` takes: as for `start` where the names are the same. */
export interface RecoverOptions {
  /** The directory of a node that does not run. */
  readonly dataDir?: string | undefined
  /** When given, the directory must be of this cluster. */
  readonly cluster?: string | undefined
  /** When given, the directory must be of this node. */
  readonly id?: string | undefined
  readonly store?: StoreSpec | { readonly module: URL; readonly options?: unknown } | undefined
  readonly snapshots?: SnapshotStoreSpec | undefined
  readonly stateMachine: StateMachineSpec
  /** The members from now on, this node among them, on whatever was decided before. */
  readonly servers: readonly ServerOptions[]
  /** Say what would happen and change nothing; the state machine is not even made. Default false. */
  readonly dryRun?: boolean | undefined
  readonly logger?: ActorLogger | undefined
}

/** What a recovery has done, or would do (`dryRun`). */
export interface RecoveryReport {
  readonly dryRun: boolean
  readonly cluster: string
  readonly id: string
  /** This directory was recovered with these servers before, and nothing has happened in it since. */
  readonly already: boolean
  /** The last entry that the node holds, and from now on the last one that there was. */
  readonly lastIndex: number
  readonly lastTerm: number
  /** The snapshot that the replay begins with; null: with nothing. */
  readonly snapshot: { readonly index: number; readonly term: number } | null
  /**
   * Entries that are treated as committed. A node does not record what was committed, so those at the end
   * may be entries that the cluster never agreed on; null: there are none behind the snapshot.
   */
  readonly assumedCommitted: { readonly from: number; readonly to: number } | null
  /** The configuration before, the newest in the log, committed or not. */
  readonly before: readonly RecoveredServer[]
  readonly after: readonly RecoveredServer[]
  /** What tells the recovered nodes from those that were left behind. */
  readonly generation: string
}

/** A member before or after a recovery. */
export interface RecoveredServer {
  readonly id: string
  readonly address: string
  readonly suffrage: 'voter' | 'nonvoter'
}
