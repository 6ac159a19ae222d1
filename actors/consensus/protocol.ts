import type { Rejection } from '../../lib/core/effects.js'
import type { Feature } from '../../lib/core/features.js'
import type { Input } from '../../lib/core/inputs.js'
import type {
  Configuration,
  IndexedConfiguration,
  LogIndex,
  NodeId,
  Role,
  Server,
  Standing,
  Term,
} from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { FsmReply, Outcome, QueryItem, ResultRun } from '../fsm/protocol.js'
import type { InboundReply } from '../inbound/protocol.js'
import type { LogReply } from '../log/protocol.js'
import type { ReplicatorReply } from '../replicator/protocol.js'
import type { SnapshotReply } from '../snapshot/protocol.js'
import type { NodeEvent } from './node-event.js'
import type { ConsensusSettings } from './settings.js'

export type { NodeEvent }

/**
 * The consensus actor hosts the pure core: it turns messages into inputs and carries out the effects.
 * It is the only one that knows which batch holds which index (the tail), so batches for followers, the
 * state machine and the log pass through it as descriptors.
 *
 * It is linked to `log`, `fsm`, `snapshot`, `inbound`, `node` (the program's side: RaftNode, or a
 * simulated client) and one `replicator-ID` for each other member. `node` is told what became of each
 * request; nothing here keeps a promise.
 */
export type ConsensusMessage =
  | NodeRequest
  | LogReply
  | FsmReply
  | SnapshotReply
  | ReplicatorReply
  | InboundReply

/** From the program's side. */
export type NodeRequest =
  /**
   * Data lane. A finished body of `count` commands in the sender's arena, pinned for PIN_CONSENSUS; its
   * header is written here once the core has given it indexes. Answered by proposalAccepted and
   * proposalApplied, or by one proposalFailed.
   */
  | { readonly kind: 'propose'; readonly proposal: number; readonly batch: BatchRef }
  | { readonly kind: 'barrier'; readonly id: number }
  | { readonly kind: 'readIndex'; readonly id: number; readonly lease: boolean }
  /** Waits until minIndex is applied, then asks the state machine; `stale` when minIndex is 0. */
  | { readonly kind: 'query'; readonly minIndex: LogIndex; readonly items: readonly QueryItem[] }
  | { readonly kind: 'transfer'; readonly id: number; readonly to: NodeId | null }
  /** The core's own inputs; the change is answered by changeDone. */
  | Extract<Input, { readonly kind: 'changeMembers' | 'cancelChange' }>
  | { readonly kind: 'takeSnapshot'; readonly id: number }
  /** Control lane. The options were changed while the node runs; answered by reloaded. */
  | { readonly kind: 'reload'; readonly id: number; readonly settings: ConsensusSettings }
  /** A user's restore (lib/core/restore.ts): answered by restoreReady or restoreRefused. */
  | { readonly kind: 'restoreBegin'; readonly id: number; readonly index: LogIndex }
  /** Answered by restoreRefused, or by barrierDone or barrierFailed of the no-op behind it. */
  | {
      readonly kind: 'restoreCommit'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
    }
  | { readonly kind: 'restoreCancel'; readonly id: number }
  | { readonly kind: 'bootstrap'; readonly id: number; readonly configuration: Configuration }
  /** Answered by peersDone. */
  | { readonly kind: 'peers'; readonly id: number }
  /** Send to that peer over its client connection; answered by forwardReply. */
  | {
      readonly kind: 'forward'
      readonly request: number
      readonly to: NodeId
      readonly body: Uint8Array
      readonly timeoutMs: number
    }
  /** The answer to a `forwarded` request of a peer. */
  | {
      readonly kind: 'answerForwarded'
      readonly connection: number
      readonly request: number
      readonly body: Uint8Array
    }
  /** Control lane, from the assembly: the replicator just linked has this column of pins. */
  | { readonly kind: 'replicatorStarted'; readonly peer: NodeId; readonly pinSlot: number }
  /** Control lane: the store, the state machine or another actor has died for good. */
  | { readonly kind: 'shutdown'; readonly error: WireError | null }

/** To the program's side. */
export type NodeReply =
  /** The batch has its indexes; it will be applied, or failed, in this order of proposals. */
  | {
      readonly kind: 'proposalAccepted'
      readonly proposal: number
      readonly firstIndex: LogIndex
      readonly term: Term
    }
  /** This node's own log holds it durably: room for the next batch (group commit). */
  | { readonly kind: 'proposalFlushed'; readonly proposal: number }
  | {
      readonly kind: 'proposalApplied'
      readonly proposal: number
      readonly results: ResultRun | null
    }
  /** `outcome` as S17 has it. `resultLost`: committed, but an FSM restart took the result (S14). */
  | {
      readonly kind: 'proposalFailed'
      readonly proposal: number
      readonly reason: Rejection | 'resultLost' | 'shutdown' | 'storeFailed'
      readonly outcome: 'rejected' | 'unknown' | 'committed'
    }
  | { readonly kind: 'barrierDone'; readonly id: number; readonly index: LogIndex }
  | {
      readonly kind: 'barrierFailed'
      readonly id: number
      readonly reason: Rejection | 'shutdown'
      readonly outcome: 'rejected' | 'unknown'
    }
  | { readonly kind: 'readIndexDone'; readonly id: number; readonly index: LogIndex }
  | {
      readonly kind: 'readIndexFailed'
      readonly id: number
      readonly reason: Rejection | 'shutdown'
    }
  | {
      readonly kind: 'queryDone'
      readonly index: LogIndex
      readonly items: readonly { readonly id: number; readonly outcome: Outcome }[]
    }
  | {
      readonly kind: 'transferDone'
      readonly id: number
      readonly reason: Rejection | 'shutdown' | null
    }
  | {
      readonly kind: 'changeDone'
      readonly id: number
      readonly index: LogIndex
      readonly reason: Rejection | 'shutdown' | null
      readonly outcome: 'rejected' | 'unknown' | null
      /** For people. */
      readonly detail: string
    }
  | {
      readonly kind: 'snapshotDone'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
      /** Of state. */
      readonly bytes: number
      readonly error: WireError | null
    }
  | { readonly kind: 'reloaded'; readonly id: number }
  | {
      readonly kind: 'restoreReady'
      readonly id: number
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
    }
  | { readonly kind: 'restoreRefused'; readonly id: number; readonly reason: Rejection }
  | { readonly kind: 'bootstrapDone'; readonly id: number; readonly reason: Rejection | null }
  /** On a node that does not lead there are none. */
  | { readonly kind: 'peersDone'; readonly id: number; readonly peers: readonly PeerReport[] }
  | {
      readonly kind: 'forwarded'
      readonly connection: number
      readonly request: number
      readonly peer: NodeId
      readonly body: Uint8Array
    }
  | {
      readonly kind: 'forwardReply'
      readonly request: number
      readonly body: Uint8Array | null
      readonly sent: boolean
    }
  /** Whenever something in it changed, at most once a turn. */
  | { readonly kind: 'status'; readonly status: ConsensusStatus }
  | { readonly kind: 'event'; readonly event: NodeEvent }
  /** Whose replicators must run: the other members, and those who are on their way out. */
  | {
      readonly kind: 'members'
      readonly peers: readonly Server[]
      /** For the replicators' handshakes. */
      readonly standing: Standing
    }
  /** The cluster has removed this node, by the committed configuration at `index`. */
  | { readonly kind: 'removed'; readonly index: LogIndex }
  | { readonly kind: 'fatal'; readonly error: WireError }

/** Another member as the leader sees it. */
export interface PeerReport {
  readonly id: NodeId
  readonly matchIndex: LogIndex
  /** Since it last answered a heartbeat, or since the term began; null: it is not followed up. */
  readonly lastContactMs: number | null
  /** Of the latest heartbeat that was answered; null: none yet. */
  readonly roundTripMs: number | null
  /** S16. `known`: it replicates. `unseen`: not reached yet. `lost`: refused, its directory is another one. */
  readonly incarnation: 'known' | 'unseen' | 'lost'
}

export interface ConsensusStatus {
  readonly role: Role
  readonly term: Term
  readonly leader: NodeId | null
  readonly commitIndex: LogIndex
  /** On the leader: durable on so many others that its own flush is all that a quorum lacks; else 0. */
  readonly replicatedIndex: LogIndex
  readonly lastApplied: LogIndex
  readonly lastLogIndex: LogIndex
  readonly lastLogTerm: Term
  /** Durable in this node's log. */
  readonly flushedIndex: LogIndex
  readonly snapshotIndex: LogIndex
  readonly snapshotTerm: Term
  readonly configuration: IndexedConfiguration
  readonly committedConfigurationIndex: LogIndex
  /** Monotonic ms at which the leader was last heard (now, on the leader); null: never. */
  readonly lastContactAt: number | null
  /** A leader: an entry of its own term is committed, so it may serve reads. */
  readonly ready: boolean
  /** The longest that the consensus actor's thread was late lately. */
  readonly loopDelayMs: number
  /** Bytes committed and not yet applied here; past maxApplyLagBytes proposals are refused (S18). */
  readonly applyLagBytes: number
  /** What all members have announced, as far as this node has heard (lib/core/features.ts). */
  readonly features: readonly Feature[]
  /** The log begins with a restored snapshot that is not known to be committed yet. */
  readonly uncertain: boolean
}
