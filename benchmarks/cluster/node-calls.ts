import type { RaftConfig } from '../../lib/index.js'
import type { LatencyFigures } from '../statistics.js'

export type StoreName = 'lmdb' | 'wal' | 'memory'
export type MachineName = 'count' | 'ordered-table'
export const CALLER_ACTORS = ['log', 'fsm', 'snapshot', 'inbound', 'replicators'] as const
export type CallerActor = (typeof CALLER_ACTORS)[number]
export type Stalling = 'log' | 'fsm' | 'main'

export interface Member {
  readonly id: string
  readonly address: string
}

/** How one node's process starts. */
export interface NodeSetup {
  readonly id: string
  /** Where this node listens; a node that is not among the members waits until it is added. */
  readonly listen: string
  readonly members: readonly Member[]
  readonly dataDir: string
  readonly store: StoreName
  readonly machine: MachineName
  readonly threads: 'dedicated' | 'shared'
  /** Of `dedicated`. */
  readonly consensus: 'caller' | 'worker'
  /** Other actors that are to run on the main thread. */
  readonly caller: readonly CallerActor[]
  /** Its store, then LMDB, and its state machine can be told to hang. */
  readonly stallable: boolean
  readonly config: Partial<RaftConfig>
}

export interface ClosedLoop {
  readonly inflight: number
  readonly size: number
  readonly seconds: number
}

/** So many clients until so many commands are applied. */
export interface Fill {
  readonly entries: number
  readonly inflight: number
  readonly size: number
  /** Each command begins with a key of its own. */
  readonly keyed: boolean
}

export interface Steady {
  /** Commands a second. */
  readonly rate: number
  readonly size: number
  /** Commands begin with one of so many keys; 0: with none. */
  readonly keys: number
  /** Commands are sent on to the leader, whichever node that is. */
  readonly forward: boolean
}

export interface LoadFigures extends LatencyFigures {
  readonly ops_s: number
  readonly rss_mb: number
  readonly flushes_s: number
}

/** Times are those of `now()`: monotonic, one clock for all processes of the machine. */
export interface Completion {
  readonly sentAt: number
  readonly doneAt: number
  readonly term: number
}

export interface NodeStatus {
  readonly state: string
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly snapshotIndex: number
  /** Rounds of votes or pre-votes that this node has begun since its start. */
  readonly campaigns: number
  readonly rssMb: number
}

/** What a node's process can be asked, and what it answers. */
export interface NodeCalls {
  /** So many clients, each with one command at a time; figures are of the time after the warm-up. */
  load(options: ClosedLoop & { readonly warmUpSeconds: number }): LoadFigures
  /** Applies so many commands, and tells when each tenth of them was done. */
  fill(options: Fill): readonly number[]
  /** Starts sending a command every 1/rate seconds, whatever becomes of those before. */
  startSteady(options: Steady): null
  /** Stops, waits for what is under way, and tells of all that were applied. */
  stopSteady(): readonly Completion[]
  /** Blocks one thread of this node; answers at once with when that began. */
  stall(options: { readonly actor: Stalling; readonly ms: number }): number
  /** When heartbeats reached this node's inbound actor; then it forgets them. */
  heartbeats(): readonly number[]
  status(): NodeStatus
  snapshot(): { readonly bytes: number; readonly ms: number }
  addNonvoter(member: Member): null
  /** Resolves when this node has applied as much. */
  applied(index: number): null
  close(): null
}

export type CallName = keyof NodeCalls

export type CallMessage = {
  readonly [Name in CallName]: {
    readonly call: number
    readonly name: Name
    readonly argument: Parameters<NodeCalls[Name]>[0]
  }
}[CallName]

export type NodeReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'leading' }
  | { readonly kind: 'answered'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly call: number; readonly message: string }
