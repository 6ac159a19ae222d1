import type { ActorStats } from '../runtime/actor.js'
import type { EventTotals } from './event-counts.js'
import type { Stage } from './stages.js'

/**
 * How long something took. `count`, `totalMs` and `buckets` run from the node's start; `p50Ms`, `p99Ms` and
 * `maxMs` are about the last `recentMs`, right to within a tenth, and 0 when it did not happen in them.
 */
export interface TimeFigures {
  readonly count: number
  readonly totalMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly buckets: {
    readonly edgesMs: readonly number[]
    /** How many took at most the edge at the same place; more is in `count` alone. */
    readonly counts: readonly number[]
  }
}

/** How large something was, in entries, batches or bytes as its name says; see TimeFigures. */
export interface SizeFigures {
  readonly count: number
  readonly total: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly buckets: { readonly edges: readonly number[]; readonly counts: readonly number[] }
}

/** One actor of the node. */
export interface ActorFigures extends ActorStats {
  /** Share of the last `recentMs` in which it was at work, 0 to 1; near 1 it is what holds the others up. */
  readonly busyShare: number
  /** Share of the last `recentMs` that its thread's event loop was not idle; null: it has no thread of its own. */
  readonly loopShare: number | null
  /** Messages taken at once, on average, in the last `recentMs`. */
  readonly messagesPerTurn: number
}

/** The log actor: what is written to disk. */
export interface LogActorFigures {
  readonly flushes: number
  readonly appendedEntries: number
  readonly appendedBatches: number
  readonly appendedBytes: number
  /** Flushes refused because the store was full (S15). */
  readonly refusals: number
  /** Space that the store takes up; looked at once a second. */
  readonly storeBytes: number
  readonly flush: TimeFigures
  /** Batches made durable by one flush, and their bytes: group commit. */
  readonly flushBatches: SizeFigures
  readonly flushBytes: SizeFigures
  /** Durable writes of term and vote. */
  readonly hardState: TimeFigures
}

/** The FSM actor: the state machine. */
export interface StateMachineFigures {
  readonly appliedEntries: number
  readonly queries: number
  readonly snapshots: number
  readonly restores: number
  readonly restoredBytes: number
  /** Of the entries that it was given at once, and how many those were. */
  readonly apply: TimeFigures
  readonly applyEntries: SizeFigures
  /** Of the queries that it was given at once. */
  readonly query: TimeFigures
  /** From the capture until it is durable. */
  readonly snapshot: TimeFigures
  readonly restore: TimeFigures
}

/** The inbound actor: what other members send. */
export interface InboundActorFigures {
  /** Open now. */
  readonly connections: number
  readonly refusals: number
  readonly heartbeats: number
  /** Of these, without asking consensus (S9). */
  readonly heartbeatsAnswered: number
  readonly votesAsked: number
  /** Of AppendEntries. */
  readonly requests: number
  readonly entries: number
  readonly bytes: number
  /** Of snapshots. */
  readonly chunks: number
  readonly chunkBytes: number
  /** Requests of other members' clients. */
  readonly forwards: number
  /** A peer had to wait because too much of it was not answered yet. */
  readonly pauses: number
}

/** One replicator: what is sent to one other member. Requests sent again count again. */
export interface ReplicationFigures {
  readonly peer: string
  /** Of AppendEntries. */
  readonly requests: number
  readonly entries: number
  readonly bytes: number
  readonly inflightRequests: number
  readonly heartbeats: number
  /** Of snapshots. */
  readonly chunks: number
  readonly chunkBytes: number
  /** Connections made, of all three kinds. */
  readonly connections: number
  /** From an AppendEntries to its answer: the network, and the follower's flush. */
  readonly append: TimeFigures
  /** From a heartbeat to its answer: the network alone. */
  readonly heartbeat: TimeFigures
}

/** What a node has counted and measured since its start. */
export interface NodeFigures extends EventTotals {
  readonly uptimeMs: number
  /** How far `p50`, `p99`, `max` and shares reach back: 10 to 20 s, further when nobody asked meanwhile. */
  readonly recentMs: number
  /** Of batches proposed here, from the `apply` of the first command to each stage (stage-clock.ts). */
  readonly stages: Readonly<Record<Stage, TimeFigures>>
  readonly batchEntries: SizeFigures
  readonly batchBytes: SizeFigures
  /** Commands whose batch ended here without a result: refused, or lost with leadership. */
  readonly failedEntries: number
  readonly log: LogActorFigures
  readonly stateMachine: StateMachineFigures
  readonly inbound: InboundActorFigures
  readonly replication: readonly ReplicationFigures[]
  /** How late the event loop of consensus came to its ticks. */
  readonly loopDelay: TimeFigures
  readonly actors: readonly ActorFigures[]
  /** Actors that failed and were started again. */
  readonly actorRestarts: number
}
