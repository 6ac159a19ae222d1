import type { Input } from '../../lib/core/inputs.js'
import { membersOf } from '../../lib/core/quorum.js'
import type { RaftCore } from '../../lib/core/raft-core.js'
import { FIRST_GENERATION, type IndexedConfiguration, type NodeId } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { InboundReply } from '../inbound/protocol.js'
import type { KnownIncarnations } from '../log/protocol.js'
import type { ReplicatorReply } from '../replicator/protocol.js'
import { Admission } from './admission.js'
import type { EffectRunner } from './effect-runner.js'
import type { FeatureBoard } from './feature-board.js'
import type { FollowerFeeds } from './follower-feeds.js'
import type { Links, ReplicatorLink } from './links.js'
import { PeerHealth } from './peer-health.js'
import type { PeerReport } from './protocol.js'

type Connected = Extract<ReplicatorReply, { kind: 'peerConnected' }>

/** Who the peers are: their handshakes in both directions, and the replicators that face them. */
export class PeerDesk {
  readonly #context: ActorContext
  readonly #self: NodeId
  readonly #core: RaftCore
  readonly #links: Links
  readonly #feeds: FollowerFeeds
  readonly #effects: EffectRunner
  readonly #step: (input: Input) => void
  readonly #admission: Admission
  /** Handshakes of replicators that are not known to have started here: word of that may come later. */
  readonly #early = new Map<NodeId, Connected>()
  readonly health: PeerHealth
  readonly features: FeatureBoard
  #mayVote: boolean

  constructor(options: {
    readonly context: ActorContext
    readonly self: NodeId
    readonly core: RaftCore
    readonly links: Links
    readonly feeds: FollowerFeeds
    readonly effects: EffectRunner
    readonly step: (input: Input) => void
    readonly incarnations: KnownIncarnations
    readonly mayVote: boolean
    readonly features: FeatureBoard
  }) {
    this.#context = options.context
    this.#self = options.self
    this.#core = options.core
    this.#links = options.links
    this.#feeds = options.feeds
    this.#effects = options.effects
    this.#step = options.step
    this.#mayVote = options.mayVote
    this.health = new PeerHealth()
    this.features = options.features
    this.#admission = new Admission(options.incarnations, (seq, incarnations) => {
      this.#links.log.control({ kind: 'saveIncarnations', seq, incarnations })
    })
  }

  /** A configuration is in force here, or committed. */
  members(configuration: IndexedConfiguration, committed: boolean): void {
    this.#admission.members(configuration, committed)
  }

  incarnationsSaved(seq: number): void {
    this.#admission.saved(seq)
  }

  /** A peer wants to talk to this node. */
  hello(
    connection: number,
    { peer, incarnation, generation, addedAt, features }: Extract<InboundReply, { kind: 'hello' }>,
  ): void {
    const stranger = this.#ofAnotherGeneration(peer, generation)
    if (stranger !== null) {
      const refused = { connection, refusal: stranger, vouches: false }
      this.#links.inbound?.control({ kind: 'admit', ...refused })
      return this.#event(peer, stranger.message)
    }
    this.#admission.decide(peer, { incarnation, addedAt }, (refusal) => {
      const vouches = refusal === null && this.#admission.isMember(peer, addedAt)
      this.#links.inbound?.control({ kind: 'admit', connection, refusal, vouches })
      if (refusal !== null) {
        this.health.lost(peer)
        this.#event(peer, refusal.message)
      } else {
        this.features.heard(peer, features)
        this.#step({ kind: 'incarnation', peer, incarnation })
      }
    })
  }

  /**
   * A cluster that was recovered after the loss of its quorum goes on without those who were not there: what
   * they hold is another past, and together they could still be a quorum of it. A node that holds nothing
   * yet is of no generation, and takes that of whoever brings it something.
   */
  #ofAnotherGeneration(peer: NodeId, theirs: string) {
    const { configuration, lastLogIndex, commitIndex } = this.#core.status()
    const holdsNothing = lastLogIndex <= 1 && commitIndex === 0 && !this.#mayVote
    if (configuration.index === 0 || holdsNothing) return null
    const own = configuration.configuration.generation ?? FIRST_GENERATION
    if (own === theirs) return null
    return {
      code: 'RAFT_CLUSTER_MISMATCH',
      message:
        `node ${this.#self} is of generation ${own} of this cluster, node ${peer} of generation ${theirs}: ` +
        'the cluster was recovered without one of them. Recover that one with the same servers, ' +
        'or empty its data directory and add it again',
    }
  }

  /** A replicator has reached its peer, and the peer has taken this node's incarnation. */
  connected(message: Connected): void {
    const { peer, incarnation, features, vouches } = message
    if (!this.#links.replicators.has(peer)) return void this.#early.set(peer, message)
    this.#admission.decide(peer, { incarnation, addedAt: null }, (refusal) => {
      const admitted = refusal === null
      this.#links.replicators.get(peer)?.ref.control({ kind: 'admitted', incarnation, admitted })
      if (refusal !== null) {
        this.health.lost(peer)
        return this.#event(peer, refusal.message)
      }
      this.health.admitted(peer)
      this.features.heard(peer, features)
      if (vouches) this.#admission.confirmedBy(peer)
      this.#step({ kind: 'incarnation', peer, incarnation })
      this.allowVoting()
    })
  }

  /**
   * The log was given its first configuration while peers were connected already: they come again, and are
   * told now that this node would know an earlier life of theirs.
   */
  bootstrapped(): void {
    const { configuration } = this.#core.status().configuration
    for (const { id } of membersOf(configuration)) {
      this.#links.inbound?.control({ kind: 'dropPeer', peer: id })
    }
    this.allowVoting()
  }

  /** S16: a directory made just now votes once a quorum knows no earlier life of this node. */
  allowVoting(): void {
    if (this.#mayVote) return
    const { configuration } = this.#core.status().configuration
    if (!this.#admission.isFresh(configuration, this.#self)) return
    this.#mayVote = true
    this.#step({ kind: 'votingAllowed' })
  }

  /** The peer knows another incarnation of this node: what that one acknowledged is lost here. */
  refusedBy(peer: NodeId, code: string, message: string): void {
    this.#event(peer, `${code}: ${message}`)
    if (code !== 'RAFT_LOST_STATE' && code !== 'RAFT_CLUSTER_MISMATCH') return
    this.#context.log.error({ peer, code }, message)
    // A peer that lags behind may not know yet that this node was removed and added again since.
    if (code !== 'RAFT_LOST_STATE' || this.#core.mayVote) return
    const text = `node ${peer} refuses this node: ${message}`
    const error: WireError = {
      name: 'RaftError',
      message: text,
      code,
      details: { peer },
      stack: null,
      cause: null,
    }
    this.#links.node.tell({ kind: 'fatal', error })
  }

  /** S16: the follower's log ends before what it acknowledged. */
  lostState(peer: NodeId, incarnation: string): void {
    this.health.lost(peer)
    this.#event(peer, 'it lost entries that it had acknowledged')
    this.#links.replicators
      .get(peer)
      ?.ref.control({ kind: 'admitted', incarnation, admitted: false })
  }

  /** The other members as this leader sees them; none on a node that does not lead. */
  report(): readonly PeerReport[] {
    const { role, configuration } = this.#core.status()
    if (role !== 'leader') return []
    const now = this.#context.now()
    const followers = new Map(this.#core.followers().map((progress) => [progress.peer, progress]))
    return configuration.configuration.servers
      .filter(({ id }) => id !== this.#self)
      .map(({ id }) => this.health.report(id, followers.get(id), now))
  }

  replicatorStarted(peer: NodeId, pinSlot: number): void {
    if (!this.#links.replicatorStarted(peer, pinSlot)) return
    const progress = this.#core.following(peer)
    if (progress !== null) this.#effects.lead(progress)
    const early = this.#early.get(peer)
    this.#early.delete(peer)
    if (early !== undefined) this.connected(early)
  }

  /** S7: pins belong to an incarnation of the reader; those of a dead one are released here. */
  replicatorGone(gone: ReplicatorLink): void {
    this.#feeds.stop(gone.peer)
    gone.pins.release()
    this.health.gone(gone.peer)
    // S17: they may have left; nobody else is going to say that no answer comes.
    for (const request of gone.forwards) {
      this.#links.node.tell({ kind: 'forwardReply', request, body: null, sent: true })
    }
  }

  #event(peer: NodeId, reason: string): void {
    this.#effects.event({ kind: 'peer', peer, change: 'refused', reason })
  }
}
