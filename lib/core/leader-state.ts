import type { Change } from './change-state.js'
import type { LogIndex, NodeId, Server, Session, Term } from './types.js'

/** One member as the leader sees it (S1: the core owns matchIndex, the replicator nextIndex). */
export interface Progress {
  readonly peer: NodeId
  readonly addedAt: LogIndex
  /** As the newest configuration that has it says. */
  server: Server
  /** S4: it was removed by the entry at `index`, and is told so by `deadline`; null for a member. */
  departure: { readonly index: LogIndex; readonly deadline: number } | null
  incarnation: string | null
  matchIndex: LogIndex
  /** When its last accepted heartbeat arrived: check-quorum (S10). */
  lastAckAt: number
  /** sentAt + the promised lease of its newest accepted heartbeat: the read lease (S10). */
  leaseUntil: number
  /** The newest probe it has answered: read index (S10). */
  probeAcked: number
}

export interface PendingRead {
  readonly id: number
  readonly index: LogIndex
  readonly probe: number
}

export interface Transfer {
  readonly id: number
  readonly to: NodeId
  deadline: number
  sent: boolean
}

/** What exists only while this node leads, from one election to the next. */
export class LeaderState {
  readonly term: Term
  /** The no-op that began the term; once it is committed the leader may serve reads (S10). */
  termStartIndex: LogIndex
  readonly progress = new Map<NodeId, Progress>()
  /** Reads that wait for the term's first commit, then for a probe. */
  readonly unprobedReads: { readonly id: number; readonly lease: boolean }[] = []
  readonly reads: PendingRead[] = []
  probe: number
  /** Before it a quorum need not have been heard: the lease has just been changed (reload). */
  quorumDueAt = 0
  transfer: Transfer | null = null
  /** The one change of members under way (S4). */
  change: Change | null = null
  /** A user's restore that waits for its snapshot; nothing is proposed meanwhile. */
  restoring: { readonly id: number; readonly index: LogIndex } | null = null
  /** S10: no lease read for the rest of a term in which TimeoutNow was sent. */
  timeoutNowSent = false
  /** When the commit index last moved, or entries last began to wait (S12). */
  progressAt: number
  /** Sizes of proposed batches not yet committed, oldest first. */
  readonly uncommitted: { readonly lastIndex: LogIndex; readonly bytes: number }[] = []
  uncommittedBytes = 0

  constructor(term: Term, termStartIndex: LogIndex, probe: number, now: number) {
    this.term = term
    this.termStartIndex = termStartIndex
    this.probe = probe
    this.progressAt = now
  }

  /** The peer's progress if `session` is the current one with it, else null (S2). */
  inSession(peer: NodeId, session: Session): Progress | null {
    const progress = this.progress.get(peer)
    if (progress === undefined || session.term !== this.term) return null
    if (session.addedAt !== progress.addedAt) return null
    return session.incarnation === progress.incarnation ? progress : null
  }
}
