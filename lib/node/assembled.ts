import type { ConsensusMessage, NodeReply } from '../../actors/consensus/protocol.js'
import type { LogStats, RecoveredLog } from '../../actors/log/protocol.js'
import type { SnapshotMessage } from '../../actors/snapshot/protocol.js'
import type { RaftCore } from '../core/raft-core.js'
import type { Server } from '../core/types.js'
import type { StateMachineSpec } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import type { ActorHandle, ActorRef, ActorSystem, CreateActor } from '../runtime/actor.js'
import type { Clock } from '../runtime/clock.js'
import type { WireError } from '../runtime/wire-error.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import type { TransportSpec } from '../transport/transport.js'
import type { RaftConfig } from './config.js'
import type { Placement } from './placement.js'
import type { TroupeFigures } from './stats.js'

export interface AssemblyOptions {
  readonly cluster: string
  readonly id: string
  readonly dataDir: string
  readonly store: StoreSpec
  readonly snapshots: SnapshotStoreSpec
  readonly stateMachine: StateMachineSpec
  readonly transport: TransportSpec
  /** Members to begin with when the data directory holds nothing; null: wait to be added. */
  readonly bootstrap: readonly Omit<Server, 'addedAt'>[] | null
  /** Changed in place when it is reloaded: read when needed. */
  readonly config: RaftConfig
  readonly placement: Placement
  readonly system: ActorSystem & Clock & { random(): number }
  /** The program's side: takes NodeReply messages, is linked to `consensus`. Always inline. */
  readonly createNodeActor: CreateActor<null, NodeReply>
  /** Given the core before its first step, where it lives on this thread: the simulator's checks. */
  readonly observeCore?: (core: RaftCore) => void
  /** Called once, when the node cannot go on. The caller then closes it. */
  readonly onFailure: (error: WireError) => void
  /** An actor failed, and another one is started after `delayMs`. */
  readonly onRestart?: (actor: string, error: Error, delayMs: number) => void
}

export interface AssembledNode {
  readonly consensus: ActorHandle<ConsensusMessage>
  readonly node: ActorHandle<NodeReply>
  /** `host:port` really bound. */
  readonly address: string
  readonly recovered: RecoveredLog
  /** What the actors count and measure, read just now. */
  figures(): TroupeFigures
  /** The actors that run now, the consensus actor among them. */
  handles(): readonly ActorHandle[]
  logStats(): Promise<LogStats>
  /** The snapshot actor that runs now. */
  snapshots(): ActorRef<SnapshotMessage>
  /** The options have changed, in place: the replicators take them; consensus is told with `reload`. */
  reload(): void
  /** Other options of the transport, for the actors with connections and for those that follow them. */
  refresh(transport: unknown): void
  /** Settles every pending request, then stops all actors; the store is closed last. */
  close(error: WireError | null): Promise<void>
  /** A crash: everything ends at once, nothing is flushed or told. */
  kill(): Promise<void>
}
