import type { RaftCore } from '../../lib/core/raft-core.js'
import type { LogIndex } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { ApplyFeed } from './apply-feed.js'
import type { ContactWatch } from './contact-watch.js'
import type { ControlBlockWriter } from './control-block.js'
import type { FeatureBoard } from './feature-board.js'
import type { LagMeter } from './lag-meter.js'
import type { Links } from './links.js'
import type { ConsensusStatus } from './protocol.js'

/** Tells the program's side what has changed, at most once a turn. */
export class StatusPublisher {
  readonly #context: ActorContext
  readonly #core: RaftCore
  readonly #apply: ApplyFeed
  readonly #control: ControlBlockWriter
  readonly #links: Links
  readonly #lag: LagMeter
  readonly #contacts: ContactWatch
  readonly #features: FeatureBoard
  /** A follower's match has changed since `replicatedIndex` was worked out, with this last index. */
  #matched = false
  #replicatedIndex: LogIndex = 0
  #replicatedOf: LogIndex = 0
  /** What was told last. */
  #told: ConsensusStatus | null = null

  constructor(parts: {
    readonly context: ActorContext
    readonly core: RaftCore
    readonly apply: ApplyFeed
    readonly control: ControlBlockWriter
    readonly links: Links
    readonly lag: LagMeter
    readonly contacts: ContactWatch
    readonly features: FeatureBoard
  }) {
    this.#context = parts.context
    this.#core = parts.core
    this.#apply = parts.apply
    this.#control = parts.control
    this.#links = parts.links
    this.#lag = parts.lag
    this.#contacts = parts.contacts
    this.#features = parts.features
  }

  /** A follower has acknowledged something. */
  followerMatched(): void {
    this.#matched = true
  }

  publish(): void {
    const status = this.#status()
    if (this.#told !== null && !isNews(this.#told, status)) return
    this.#told = status
    this.#links.node.tell({ kind: 'status', status })
  }

  /** Field by field: this is done in every turn, and a spread would take longer than all else here. */
  #status(): ConsensusStatus {
    const core = this.#core.status()
    const leading = core.role === 'leader'
    return {
      role: core.role,
      term: core.term,
      leader: core.leader,
      commitIndex: core.commitIndex,
      replicatedIndex: leading ? this.#replicated(core.lastLogIndex) : 0,
      lastApplied: this.#apply.applied,
      lastLogIndex: core.lastLogIndex,
      lastLogTerm: core.lastLogTerm,
      flushedIndex: core.flushedIndex,
      snapshotIndex: core.snapshotIndex,
      snapshotTerm: core.snapshotTerm,
      configuration: core.configuration,
      committedConfigurationIndex: core.committedConfigurationIndex,
      lastContactAt: leading ? this.#context.now() : this.#heardAt(core.lastContactAt),
      ready: core.ready,
      loopDelayMs: this.#contacts.delayMs,
      applyLagBytes: this.#lag.bytes,
      features: this.#features.usable(core.configuration),
      uncertain: core.uncertain,
    }
  }

  #replicated(lastLogIndex: LogIndex): LogIndex {
    if (this.#matched || lastLogIndex !== this.#replicatedOf) {
      this.#matched = false
      this.#replicatedOf = lastLogIndex
      this.#replicatedIndex = this.#core.replicatedIndex()
    }
    return this.#replicatedIndex
  }

  #heardAt(coreAt: number | null): number | null {
    const fast = this.#control.contact()
    if (fast === null || coreAt === null) return coreAt
    return Math.max(fast, coreAt)
  }
}

/** Small delays are no news. */
const DELAY_STEP_MS = 50

/** A leader hears itself all the time, and the lag follows from the indexes: neither is news by itself. */
function isNews(before: ConsensusStatus, after: ConsensusStatus): boolean {
  return (
    before.commitIndex !== after.commitIndex ||
    before.lastApplied !== after.lastApplied ||
    before.flushedIndex !== after.flushedIndex ||
    before.lastLogIndex !== after.lastLogIndex ||
    before.replicatedIndex !== after.replicatedIndex ||
    before.term !== after.term ||
    before.role !== after.role ||
    before.leader !== after.leader ||
    before.snapshotIndex !== after.snapshotIndex ||
    before.committedConfigurationIndex !== after.committedConfigurationIndex ||
    before.configuration.index !== after.configuration.index ||
    before.ready !== after.ready ||
    before.features !== after.features ||
    (after.role !== 'leader' && before.lastContactAt !== after.lastContactAt) ||
    Math.round(before.loopDelayMs / DELAY_STEP_MS) !== Math.round(after.loopDelayMs / DELAY_STEP_MS)
  )
}
