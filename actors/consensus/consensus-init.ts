import type { CoreConfig } from '../../lib/core/core-state.js'
import type { RaftCore } from '../../lib/core/raft-core.js'
import type {
  HardState,
  IndexedConfiguration,
  LogIndex,
  LogSummary,
  NodeId,
  Term,
} from '../../lib/core/types.js'
import type { KnownIncarnations } from '../log/protocol.js'
import type { SnapshotPolicy } from './snapshot-desk.js'

export interface ConsensusInit {
  readonly nodeId: NodeId
  readonly incarnation: string
  readonly core: CoreConfig
  readonly snapshots: SnapshotPolicy
  readonly tailMaxBytes: number
  /** Bytes given to the state machine and not yet applied. */
  readonly maxApplyBytes: number
  /** Bytes in the log and not yet applied; past it proposals are refused (S18). */
  readonly maxApplyLagBytes: number
  /** A state machine that answers nothing for so long is reported (S14). */
  readonly applyStallTimeoutMs: number
  readonly maxReadBytes: number
  /** Time between ticks; also how fresh this actor's sign of life is for the replicators (S11). */
  readonly tickMs: number
  readonly hardState: HardState
  readonly log: LogSummary
  /** Leader time of the newest entry in the log. */
  readonly lastTime: number
  readonly snapshot: {
    readonly index: LogIndex
    readonly term: Term
    readonly configuration: IndexedConfiguration
  } | null
  readonly incarnations: KnownIncarnations
  /** False when this directory was made just now (S16). */
  readonly mayVote: boolean
  /** The state machine keeps its state by itself and is given flushed entries only (S14). */
  readonly flushedOnly: boolean
  /** Given the core before its first step; only where this actor runs inline. */
  readonly observeCore?: (core: RaftCore) => void
  readonly controlBlock: SharedArrayBuffer
  readonly leaderBoard: SharedArrayBuffer
}
