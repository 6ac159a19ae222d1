import { assert } from './assert.js'
import { Configurations } from './configurations.js'
import { DurableLog, type Refused } from './durable-log.js'
import type { Effect } from './effects.js'
import type { LeaderState } from './leader-state.js'
import { LogView } from './log-view.js'
import { isMember, isVoter, membersOf } from './quorum.js'
import type {
  Configuration,
  HardState,
  IndexedConfiguration,
  LogIndex,
  LogSummary,
  NodeId,
  Role,
  Term,
} from './types.js'
import type { SnapshotPosition } from './uncertain.js'

export interface CoreConfig {
  readonly heartbeatTimeoutMs: number
  readonly electionTimeoutMs: number
  readonly leaderLeaseTimeoutMs: number
  readonly leaderStallTimeoutMs: number
  /** Share by which two nodes' clocks may run apart, e.g. 0.1 (S10). */
  readonly maxClockDrift: number
  readonly preVote: boolean
  /** Entries kept below a snapshot for followers that lag a little. */
  readonly trailingLogs: number
  /** How long a removed member is still replicated to, so that it learns of it (S4). */
  readonly removeGraceMs: number
  /** Bytes proposed and not yet committed; past it proposals are refused (S18). */
  readonly maxUncommittedBytes: number
}

export interface CoreInit {
  readonly id: NodeId
  readonly incarnation: string
  readonly config: CoreConfig
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly hardState: HardState
  readonly log: LogSummary
  readonly snapshot: {
    readonly index: LogIndex
    readonly term: Term
    readonly configuration: IndexedConfiguration
    /** A user's restore made it, and whether that was committed this node cannot tell. */
    readonly restored?: boolean
  } | null
  readonly incarnations: Readonly<Record<NodeId, string>>
  /** False for a directory made just now: it votes only after `votingAllowed` (S16). */
  readonly mayVote: boolean
}

/** Votes gathered in one round of one candidacy. Distinct voters count (S3). */
export interface Candidacy {
  readonly round: number
  readonly granted: Set<NodeId>
  readonly refused: Set<NodeId>
  readonly transfer: boolean
}

/** An effect that waits until what it claims is durable (S5). */
interface GatedEffect {
  readonly effect: Effect
  readonly term: Term
  readonly hardStateSeq: number
  readonly logIndex: LogIndex
}

/**
 * The state of Raft's Figure 2 and what the rules add to it. The functions of the role files read and
 * change it; everything they want done goes through `emit` or, when it claims something durable,
 * through `gate`.
 */
export class CoreState {
  readonly id: NodeId
  readonly incarnation: string
  config: CoreConfig
  readonly random: () => number
  readonly log: LogView
  readonly durable: DurableLog
  readonly configurations: Configurations
  readonly incarnations: Map<NodeId, string>

  term: Term
  votedFor: NodeId | null
  promisedLeaseMs: number
  role: Role = 'follower'
  leader: NodeId | null = null
  commitIndex: LogIndex
  committedConfigurationIndex: LogIndex
  snapshotIndex: LogIndex
  snapshotTerm: Term
  /** The last time the current leader was heard. */
  lastContactAt: number | null = null
  electionDeadline: number
  /** S10: a promise made before a restart is kept: no vote and no campaign until then. */
  readonly promiseFromBefore: number
  mayVote: boolean
  /** The store refuses writes (S15). */
  storeFull = false
  /** What the store must be told again once it takes writes (S15). */
  refused: Refused | null = null
  /** S15: who may have acknowledged more than the log shows does not vote or campaign below it. */
  voteFloor: { readonly index: LogIndex; readonly term: Term } | null
  /** This node was in a configuration once: if the newest has it no more, it was removed. */
  wasMember: boolean
  /** The configuration that is known to have removed this node, by the index of its entry. */
  removedAt: LogIndex | null = null
  /** The log begins with a restored snapshot that is not known to be committed (uncertain.ts). */
  uncertain: SnapshotPosition | null
  /** The last one that came to nothing. */
  undone: SnapshotPosition | null
  /** The hard state with which it may be deleted. */
  discarding: number | null = null
  candidacy: Candidacy | null = null
  leading: LeaderState | null = null
  round = 0

  #effects: Effect[] = []
  #gated: GatedEffect[] = []
  #hardStateSeq = 0
  #savedHardStateSeq = 0

  constructor(init: CoreInit) {
    this.id = init.id
    this.incarnation = init.incarnation
    this.config = init.config
    this.random = init.random
    this.log = new LogView(init.log)
    this.durable = new DurableLog(init.log.lastIndex)
    const fromSnapshot = init.snapshot === null ? [] : [init.snapshot.configuration]
    const newest = fromSnapshot.at(-1)?.index ?? -1
    this.configurations = new Configurations([
      ...fromSnapshot,
      ...init.log.configurations.filter((entry) => entry.index > newest),
    ])
    this.wasMember = this.configurations.all.some(({ configuration }) =>
      isMember(configuration, init.id),
    )
    this.incarnations = new Map(Object.entries(init.incarnations))
    this.term = init.hardState.term
    this.votedFor = init.hardState.votedFor
    this.promisedLeaseMs = init.hardState.promisedLeaseMs
    this.snapshotIndex = init.snapshot?.index ?? 0
    this.snapshotTerm = init.snapshot?.term ?? 0
    const { snapshotIndex: index, snapshotTerm } = this
    this.uncertain = init.snapshot?.restored === true ? { index, term: snapshotTerm } : null
    this.commitIndex = this.uncertain === null ? Math.max(index, this.log.baseIndex) : 0
    this.committedConfigurationIndex = this.configurations.at(this.commitIndex).index
    this.promiseFromBefore = init.now + init.hardState.promisedLeaseMs
    this.mayVote = init.mayVote
    this.undone = init.hardState.undone ?? null
    this.voteFloor = laterOf(init.log.voteFloor ?? null, this.undone)
    this.electionDeadline = init.now + this.randomTimeout(init.config.heartbeatTimeoutMs)
    assert(this.term >= this.log.lastTerm, 'the term is durable before any entry of it (S5)', {
      term: this.term,
      lastTerm: this.log.lastTerm,
    })
  }

  get configuration(): Configuration {
    return this.configurations.latest.configuration
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.id)
  }

  /** Everyone else in the newest configuration, outgoing voters included. */
  peers(): readonly NodeId[] {
    const ids = membersOf(this.configuration).map((server) => server.id)
    return ids.filter((id) => id !== this.id)
  }

  randomTimeout(baseMs: number): number {
    return baseMs * (1 + this.random())
  }

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  // -- S5: nothing leaves before what it claims is on disk

  /** Term, vote and lease promise as one write. Returns its number. */
  saveHardState(): number {
    const hardState = {
      term: this.term,
      votedFor: this.votedFor,
      promisedLeaseMs: this.promisedLeaseMs,
      ...(this.undone !== null && { undone: this.undone }),
    }
    this.emit({ kind: 'saveHardState', seq: ++this.#hardStateSeq, hardState })
    return this.#hardStateSeq
  }

  get hardStateDurable(): boolean {
    return this.#savedHardStateSeq === this.#hardStateSeq
  }

  hardStateSaved(seq: number): void {
    assert(seq <= this.#hardStateSeq, 'only an issued hard state can have been saved', {
      seq,
      issued: this.#hardStateSeq,
    })
    this.#savedHardStateSeq = Math.max(this.#savedHardStateSeq, seq)
  }

  hardStateIsSaved(seq: number): boolean {
    return seq <= this.#savedHardStateSeq
  }

  /** Emits once the newest hard state, and the log up to `logIndex`, are durable. */
  gate(effect: Effect, logIndex: LogIndex = 0): void {
    const entry = { effect, term: this.term, hardStateSeq: this.#hardStateSeq, logIndex }
    if (this.#isDurable(entry, this.durable.index)) this.emit(effect)
    else this.#gated.push(entry)
  }

  releaseGated(): void {
    if (this.#gated.length === 0) return
    const durableIndex = this.durable.index
    const waiting: GatedEffect[] = []
    for (const entry of this.#gated) {
      if (this.#isDurable(entry, durableIndex)) this.emit(entry.effect)
      else waiting.push(entry)
    }
    this.#gated = waiting
  }

  /** What an older term wanted to say is not said any more. */
  dropGated(): void {
    this.#gated = this.#gated.filter((entry) => entry.term === this.term)
  }

  dropGatedControlBlock(): void {
    this.#gated = this.#gated.filter((entry) => entry.effect.kind !== 'controlBlock')
  }

  #isDurable(entry: GatedEffect, durableIndex: LogIndex): boolean {
    return entry.hardStateSeq <= this.#savedHardStateSeq && entry.logIndex <= durableIndex
  }
}

function laterOf(one: SnapshotPosition | null, other: SnapshotPosition | null) {
  if (one === null || other === null) return one ?? other
  const later = one.term > other.term || (one.term === other.term && one.index > other.index)
  return later ? one : other
}
