import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { Feature } from '../core/features.js'
import { membersOf } from '../core/quorum.js'
import type { Server } from '../core/types.js'
import type { Outcome } from './error-codes.js'
import { RaftError } from './errors.js'
import { type RefusalReason, refusalError } from './failures.js'
import type { LeaderInfo } from './types.js'

const unknownStatus: ConsensusStatus = {
  role: 'follower',
  term: 0,
  leader: null,
  commitIndex: 0,
  replicatedIndex: 0,
  lastApplied: 0,
  lastLogIndex: 0,
  lastLogTerm: 0,
  flushedIndex: 0,
  snapshotIndex: 0,
  snapshotTerm: 0,
  configuration: { index: 0, configuration: { servers: [] } },
  committedConfigurationIndex: 0,
  lastContactAt: null,
  ready: false,
  loopDelayMs: 0,
  applyLagBytes: 0,
  uncertain: false,
  features: [],
}

/** The latest status that consensus has told, and what follows from it for callers. */
export class NodeView {
  readonly id: string
  #status = unknownStatus

  constructor(id: string) {
    this.id = id
  }

  get status(): ConsensusStatus {
    return this.#status
  }

  update(status: ConsensusStatus): void {
    this.#status = status
  }

  get leads(): boolean {
    return this.#status.role === 'leader'
  }

  /** Null: all members have it. */
  lacks(feature: Feature): RaftError | null {
    const { features, configuration } = this.#status
    if (configuration.index === 0 || features.includes(feature)) return null
    return new RaftError(
      'RAFT_FEATURE_UNAVAILABLE',
      `not all members of the cluster know ${feature} yet: finish the upgrade of every node first`,
      { details: { feature } },
    )
  }

  get isMember(): boolean {
    return this.#server(this.id) !== undefined
  }

  /** The id of the leader, when it is another node. */
  get remoteLeader(): string | null {
    const { leader } = this.#status
    return leader === this.id ? null : leader
  }

  get leader(): LeaderInfo | null {
    const { leader } = this.#status
    if (leader === null) return null
    const server = this.#server(leader)
    return { id: leader, address: server?.address ?? '', meta: server?.meta ?? {} }
  }

  /** Why a call that only the leader serves is refused here. */
  notLeading(outcome: Outcome | null): RaftError {
    const { leader } = this
    if (this.#status.configuration.configuration.servers.length === 0 && leader === null) {
      return refusalError('notBootstrapped', outcome)
    }
    if (leader === null || leader.id === this.id) return refusalError('noLeader', outcome)
    return refusalError('notLeader', outcome, { leader })
  }

  /** The error for a reason of consensus; the leader is added where callers are promised it. */
  refusal(reason: RefusalReason, outcome: Outcome | null): RaftError {
    if (reason === 'notLeader') return this.notLeading(outcome)
    return refusalError(reason, outcome)
  }

  #server(id: string): Server | undefined {
    const { configuration } = this.#status.configuration
    return membersOf(configuration).find((server) => server.id === id)
  }
}
