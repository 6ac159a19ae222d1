import type { AppendEntries } from '../core/rpc.js'
import type { IndexedConfiguration, LogIndex, NodeId, Term } from '../core/types.js'

/** The messages between nodes that the core does not see; those it does are in lib/core/rpc.ts. */

/** Raft Figure 13 in chunks; `transfer` names one attempt. The chunk's bytes are the payload. */
export interface SnapshotChunk {
  readonly kind: 'snapshotChunk'
  readonly term: Term
  readonly leader: NodeId
  readonly incarnation: string
  readonly addedAt: LogIndex
  readonly transfer: number
  readonly meta: {
    readonly index: LogIndex
    readonly term: Term
    /** The newest configuration at or below `index` (S13). */
    readonly configuration: IndexedConfiguration
    /** A user's restore made it. */
    readonly restored?: boolean
    /** Bytes of state. */
    readonly size: number
    /** CRC-32 of the whole state. */
    readonly checksum: number
  }
  readonly offset: number
  /** Bytes of state that this chunk carries. */
  readonly length: number
  /** The payload is the state's bytes, deflated. */
  readonly compressed: boolean
  readonly done: boolean
}

export interface SnapshotChunkReply {
  readonly kind: 'snapshotChunkReply'
  readonly term: Term
  readonly transfer: number
  /** Bytes stored: where the sender goes on. */
  readonly offset: number
  /** The snapshot is installed; the log goes on at its index. */
  readonly installed: boolean
  /** Not stored; begin again. */
  readonly failed: boolean
}

/** A request of the program, sent to the leader on its behalf. The body is the payload. */
export interface ForwardRequest {
  readonly kind: 'forwardRequest'
  readonly request: number
  /** How long the sender will wait. */
  readonly timeoutMs: number
}

export interface ForwardReply {
  readonly kind: 'forwardReply'
  readonly request: number
  readonly body: Uint8Array
}

/** One batch in the payload of an AppendEntries; a BatchRef is one. */
export interface WireBatch {
  readonly firstIndex: LogIndex
  readonly count: number
  readonly term: Term
  /** Term of the entry before firstIndex. */
  readonly prevTerm: Term
  /** Encoded bytes: header and body. */
  readonly length: number
}

/** An AppendEntries as it arrives: `batches[i]` describes the payload's i-th run. */
export interface WireAppendEntries {
  readonly request: AppendEntries
  readonly batches: readonly WireBatch[]
}
