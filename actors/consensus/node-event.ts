import type { Configuration, LogIndex, NodeId, Role, Term } from '../../lib/core/types.js'

/** What observers are told; RaftNode adds the node and the wall-clock time. */
export type NodeEvent =
  | LeaderEvent
  | StateEvent
  | ConfigurationEvent
  | PeerEvent
  | HeartbeatEvent
  | VoteEvent
  | SnapshotEvent
  | ProgressEvent
  | OverloadEvent
  | StateMachineEvent

/** The leader that this node knows has changed, or the same one leads a new term. */
export interface LeaderEvent {
  readonly kind: 'leader'
  /** Null: none is known any more. */
  readonly leader: NodeId | null
  /** Its `host:port` in the configuration in force here; null when unknown. */
  readonly address: string | null
  /** The last one known before, which may have been lost meanwhile; null: there was none. */
  readonly previous: NodeId | null
  readonly term: Term
}

/** The role or the term of this node has changed. */
export interface StateEvent {
  readonly kind: 'state'
  readonly role: Role
  readonly previous: Role
  readonly term: Term
  /** Why, for people. */
  readonly cause: string
}

/** A configuration came into force (`committed` false) or was committed. */
export interface ConfigurationEvent {
  readonly kind: 'configuration'
  readonly index: LogIndex
  readonly configuration: Configuration
  readonly committed: boolean
}

/**
 * Another member. `added`, `updated`, `removed`: by a configuration that came into force here (at the start
 * all are added). `active`, `inactive`: its connection for heartbeats and votes is up, or down. `refused`:
 * its handshake or ours was turned down (S16).
 */
export interface PeerEvent {
  readonly kind: 'peer'
  readonly peer: NodeId
  readonly change: 'added' | 'updated' | 'removed' | 'active' | 'inactive' | 'refused'
  readonly reason: string
}

/**
 * `failed`, `resumed`, on a leader: a follower has left its heartbeats without answer for 0.8 of the
 * election timeout, or its connection broke; it answers again. `late`, `resumed`, on a follower: its leader
 * was not heard for 0.8 of the election timeout; it was heard again.
 */
export interface HeartbeatEvent {
  readonly kind: 'heartbeat'
  readonly peer: NodeId
  readonly change: 'failed' | 'late' | 'resumed'
  readonly healthy: boolean
  /** Since the last answer or heartbeat; null: there was none yet. */
  readonly lastContactMs: number | null
  readonly reason: string
}

/** One step of an election, as this node sees it. Pre-votes are told like votes. */
export type VoteEvent =
  /** This node asks for votes. */
  | {
      readonly kind: 'vote'
      readonly change: 'started'
      readonly candidate: NodeId
      readonly term: Term
      readonly preVote: boolean
      /** The leader asked for this election. */
      readonly transfer: boolean
      readonly asked: readonly NodeId[]
      readonly lastLogIndex: LogIndex
      readonly lastLogTerm: Term
    }
  /** This node was asked, and cast or refused its vote. */
  | {
      readonly kind: 'vote'
      readonly change: 'answered'
      readonly candidate: NodeId
      readonly term: Term
      readonly preVote: boolean
      readonly granted: boolean
      readonly reason: string
    }
  /** A vote for or against this node has come in. */
  | {
      readonly kind: 'vote'
      readonly change: 'counted'
      readonly candidate: NodeId
      readonly voter: NodeId
      readonly term: Term
      readonly preVote: boolean
      readonly granted: boolean
      readonly reason: string
      /** So far in this round, the own vote included. */
      readonly grants: number
      readonly refusals: number
      /** Of how many voters; a majority wins. */
      readonly voters: number
    }

export interface SnapshotEvent {
  readonly kind: 'snapshot'
  readonly index: LogIndex
  readonly term: Term
  readonly change: 'saved' | 'received' | 'sent' | 'failed'
  readonly reason: string
}

/** `replay`: entries of the log; `restore`, `install`: bytes of a snapshot. */
export interface ProgressEvent {
  readonly kind: 'progress'
  readonly what: 'replay' | 'restore' | 'install'
  readonly done: number
  readonly total: number
}

/** Calls are refused because too much is pending; told once a second at most. */
export interface OverloadEvent {
  readonly kind: 'overload'
  readonly what: string
}

/** S14: the state machine has not answered `what` for so long, or has now. */
export interface StateMachineEvent {
  readonly kind: 'stateMachine'
  readonly change: 'stalled' | 'resumed'
  readonly what: 'apply' | 'restore' | 'query'
  /** The first entry of an apply, the snapshot of a restore, the last entry before a query. */
  readonly index: LogIndex
  readonly ms: number
}
