/**
 * What `GET /live` tells: the answer to one question, or one message a second. Shared by the server and the
 * page, so nothing is imported here.
 */
export interface LiveMessage {
  /** This node's clock, ms since the epoch. */
  readonly at: number
  readonly node: LiveNode
  readonly indexes: LiveIndexes
  /** What is to be said about all this, in words: the worst first. */
  readonly verdicts: readonly Verdict[]
  readonly members: readonly LiveMember[]
  /** Who says how the members do; null: nobody can be asked now. */
  readonly healthFrom: string | null
  readonly actors: readonly LiveActor[]
  /** How long batches that this node proposed took lately; empty on one that has proposed none. */
  readonly stages: readonly LiveStage[]
  /** Whether a request with the token that this one had may hand over leadership and take snapshots. */
  readonly mayAct: boolean
  /** One for each second since the message before: of the first message, of the last two minutes. */
  readonly samples: readonly LiveSample[]
  /** Those since the message before, oldest first. */
  readonly events: readonly LiveEvent[]
}

export interface LiveNode {
  readonly id: string
  readonly cluster: string
  readonly version: string
  /** Ms since the epoch: of the service, which counts events from then on. */
  readonly startedAt: number
  readonly state: 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'closed'
  readonly term: number
  readonly leader: string | null
  /** Since the leader was last heard; 0 on the leader, null: never. */
  readonly lastContactMs: number | null
  /** Calls that wait here for their end. */
  readonly pendingEntries: number
  readonly pendingReads: number
}

export interface LiveIndexes {
  readonly lastLog: number
  readonly flushed: number
  readonly committed: number
  readonly applied: number
  readonly snapshot: number
}

/** `ok`: as it should be. `warn`: works, but not as it should. `bad`: something does not work. */
export type Level = 'ok' | 'warn' | 'bad'

export interface Verdict {
  readonly level: Level
  /** Stays the same while only numbers in the text change. */
  readonly key: string
  readonly text: string
}

export interface LiveMember {
  readonly id: string
  readonly address: string
  readonly http: string | null
  readonly suffrage: string
  readonly leader: boolean
  /** This node. */
  readonly self: boolean
  /** Null: not known here. */
  readonly health: LiveHealth | null
}

export interface LiveHealth {
  /** The last index that it certainly holds on disk; null: not known here. */
  readonly matchIndex: number | null
  /** Committed entries that it does not hold yet; null: not known here. */
  readonly behind: number | null
  /** Since it last answered a heartbeat; 0: this node; null: never, or not known. */
  readonly lastContactMs: number | null
  readonly roundTripMs: number | null
  /** `silent`: no answer for an election timeout. `lost`: its directory is another one. */
  readonly condition: 'ok' | 'behind' | 'silent' | 'lost' | 'unknown'
}

export interface LiveActor {
  readonly name: string
  /** In its mailbox now, not taken yet. */
  readonly backlogMessages: number
  readonly backlogBytes: number
  /** Share of the last second in which it was at work, 0 to 1. */
  readonly busyShare: number
  /** Taken in the last second. */
  readonly messagesPerS: number
}

/** From the `apply` of a batch's first command until the batch is so far, in the last 10 to 20 seconds. */
export interface LiveStage {
  readonly name: string
  /** Null: there was no batch. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** What happened in one second. */
export interface LiveSample {
  readonly at: number
  /** Entries whose commitment this node learned of, per second. */
  readonly committedPerS: number
  /** Writes and reads of keys that this node answered over HTTP, per second. */
  readonly writesPerS: number
  readonly readsPerS: number
  /** Of these writes, from the request's head to the answer; null: there were none. */
  readonly writeP50Ms: number | null
  readonly writeP99Ms: number | null
}

export interface LiveEvent {
  readonly number: number
  /** Ms since the epoch. */
  readonly at: number
  readonly kind: string
  readonly level: Level
  readonly text: string
  /** How often it happened in a row; it then takes the place of the one before. */
  readonly times: number
}
