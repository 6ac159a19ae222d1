/** The vocabulary of the protocol. Terms and indexes are whole numbers up to 2^53 - 1. */

export type NodeId = string
export type Term = number
export type LogIndex = number

/** Whether a member votes. A nonvoter holds the log and serves reads. */
export type Suffrage = 'voter' | 'nonvoter'

/** One member of a configuration. */
export interface Server {
  readonly id: NodeId
  /** `host:port` of its Raft transport. */
  readonly address: string
  readonly suffrage: Suffrage
  /** Free text pairs for the application, e.g. its HTTP address. */
  readonly meta?: Readonly<Record<string, string>>
  /** Index of the entry that added this member: part of every replication session with it (S2). */
  readonly addedAt: LogIndex
}

/**
 * The members of the cluster. While `outgoing` is present the configuration is joint (Raft §6): elections
 * and commitment need a majority of the voters in `servers` and a majority of `outgoing`, the voters of the
 * configuration before.
 */
export interface Configuration {
  readonly servers: readonly Server[]
  readonly outgoing?: readonly Server[]
  /**
   * Which recovery after a loss of the quorum this cluster began anew with; absent: none. Nodes of
   * different generations have different pasts and never talk to each other.
   */
  readonly generation?: string
}

/** What a node says of its own membership when it reaches another one (S16). */
export interface Standing {
  /** Of its configuration (Configuration.generation). */
  readonly generation: string
  /** Index of the entry that added it to its newest configuration; 0 when that has it not. */
  readonly addedAt: LogIndex
}

/** The generation of a cluster that was never recovered. */
export const FIRST_GENERATION = '0'

/** A configuration and the index of the entry that carries it (0: none yet). */
export interface IndexedConfiguration {
  readonly index: LogIndex
  readonly configuration: Configuration
}

/** What must be durable before a node answers or asks (Raft Figure 2, persistent state; S5, S10). */
export interface HardState {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The longest promise of silence given to a leader, kept over restarts (S10). */
  readonly promisedLeaseMs: number
  /**
   * A restored snapshot that came to nothing (uncertain.ts), and a log that begins with it, do not count any
   * more; it is a floor for granting votes. Absent: there is none.
   */
  readonly undone?: { readonly index: LogIndex; readonly term: Term }
}

/**
 * A replication session (S2): answers that belong to another one are dropped. `incarnation` is the
 * member's own, drawn when its data directory was made.
 */
export interface Session {
  readonly term: Term
  readonly addedAt: LogIndex
  readonly incarnation: string
}

/** A run of entries of one term, from `firstIndex` to the start of the next run. */
export interface TermRun {
  readonly firstIndex: LogIndex
  readonly term: Term
}

/** Where a batch lies in the log. A batch is atomic and of one term (S6). */
export interface BatchSpan {
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  readonly term: Term
}

/** What the log holds after recovery. Everything at or below the snapshot may be missing. */
export interface LogSummary {
  /** Index of the first entry present, or lastIndex + 1 when the log is empty. */
  readonly firstIndex: LogIndex
  readonly lastIndex: LogIndex
  readonly lastTerm: Term
  /** Term of the entry before firstIndex (from a snapshot or a reset), 0 at the log's beginning. */
  readonly prevTerm: Term
  readonly termRuns: readonly TermRun[]
  /** Configurations found in the log, oldest first. */
  readonly configurations: readonly IndexedConfiguration[]
  /**
   * S15: a last batch whose header is good and whose body is not may have been acknowledged. Its
   * (lastIndex, term) is a floor for granting votes and a bar to campaigning.
   */
  readonly voteFloor?: { readonly index: LogIndex; readonly term: Term }
}

/** What a node is in its term. `preCandidate`: it asks whether an election could be won, and has not raised its term. */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader'
