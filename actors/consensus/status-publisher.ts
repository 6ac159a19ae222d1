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
  /** What was published last: numbers and names that were compared one by one, each turn. */
  #published: readonly unknown[] = []

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
    const { baseIndex: _, ...core } = this.#core.status()
    const lastApplied = this.#apply.applied
    const leading = core.role === 'leader'
    const contact = leading ? this.#context.now() : this.#heardAt(core.lastContactAt)
    const { role, term, leader, commitIndex, flushedIndex, lastLogIndex, snapshotIndex, ready } =
      core
    const replicatedIndex = leading ? this.#replicated(lastLogIndex) : 0
    const marks = [role, term, leader, commitIndex, flushedIndex, lastLogIndex, lastApplied]
    const { configuration, committedConfigurationIndex } = core
    const indexes = [replicatedIndex, snapshotIndex, committedConfigurationIndex]
    const rest = [...indexes, ready, configuration.index]
    // Small delays are no news.
    const slow = Math.round(this.#contacts.delayMs / 50)
    const features = this.#features.usable(configuration)
    const summary = [...marks, ...rest, leading ? 0 : contact, slow, features]
    const before = this.#published
    if (summary.every((mark, place) => mark === before[place])) return
    this.#published = summary
    const measured = {
      features,
      loopDelayMs: this.#contacts.delayMs,
      applyLagBytes: this.#lag.bytes,
    }
    const contacts = { lastContactAt: contact, replicatedIndex }
    const status: ConsensusStatus = { ...core, lastApplied, ...contacts, ...measured }
    this.#links.node.tell({ kind: 'status', status })
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
