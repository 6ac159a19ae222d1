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
import type { ConsensusSettings } from './settings.js'

export interface ConsensusInit extends ConsensusSettings {
  readonly nodeId: NodeId
  readonly incarnation: string
  readonly tailMaxBytes: number
  /** A state machine that answers nothing for so long is reported (S14). */
  readonly applyStallTimeoutMs: number
  readonly maxReadBytes: number
  readonly hardState: HardState
  readonly log: LogSummary
  /** Leader time of the newest entry in the log. */
  readonly lastTime: number
  readonly snapshot: {
    readonly index: LogIndex
    readonly term: Term
    readonly configuration: IndexedConfiguration
    readonly restored?: boolean
  } | null
  /** False: what the newest snapshot holds, the state machine is said to hold at its start. */
  readonly restoreSnapshotOnStart: boolean
  readonly incarnations: KnownIncarnations
  /** False when this directory was made just now (S16). */
  readonly mayVote: boolean
  /** The state machine keeps its state by itself and is given flushed entries only (S14). */
  readonly flushedOnly: boolean
  /** Given the core before its first step; only where this actor runs inline. */
  readonly observeCore?: (core: RaftCore) => void
  /** What this node announces. Default: all that this release can. */
  readonly features?: readonly string[]
  readonly controlBlock: SharedArrayBuffer
  readonly leaderBoard: SharedArrayBuffer
  /** Where it measures (figures.ts), for whoever reads it there; without it only it knows. */
  readonly figures?: SharedArrayBuffer
}
