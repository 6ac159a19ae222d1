import type { Input } from '../../../lib/core/inputs.js'
import type { AppendReply } from '../../../lib/core/rpc.js'
import type { LogIndex, NodeId, Server, Session, Term } from '../../../lib/core/types.js'
import { incarnationOf } from './cores.js'
import type { ModelBatch, ModelSnapshot } from './model-disk.js'
import type { Message } from './model-messages.js'

/** The log of the leader as its replicators read it. */
export interface LeaderLog {
  readonly batches: readonly ModelBatch[]
  readonly base: { readonly index: LogIndex; readonly term: Term }
  readonly commitIndex: LogIndex
  readonly snapshot: ModelSnapshot | null
}

type Conflict = NonNullable<AppendReply['conflict']>

interface Peer {
  readonly session: Session
  next: LogIndex
  match: LogIndex
  /** Requests sent when `match` was reached: later ones find it, or it is lost. */
  matchedBefore: number
  /** Answers to requests up to here mean nothing any more (S1). */
  ignored: number
}

/** The entry that a request asked for, and the last one that it brought. */
interface Sent {
  readonly prev: LogIndex
  readonly prevTerm: Term
  readonly last: LogIndex
}

/**
 * The simplest replication that follows S1: it sends all that it has after nextIndex at once, believes
 * that it arrives, and falls back when it is told otherwise or asked to try again.
 */
export class ModelReplicator {
  readonly #id: NodeId
  readonly #log: () => LeaderLog
  readonly #send: (to: NodeId, message: Message) => void
  /** How many batches the next request takes. */
  readonly #limit: () => number
  readonly #peers = new Map<NodeId, Peer>()
  /** The requests sent in this life of the node, by number from 1. */
  readonly #sent: Sent[] = []

  constructor(
    id: NodeId,
    log: () => LeaderLog,
    send: (to: NodeId, message: Message) => void,
    limit: () => number,
  ) {
    this.#limit = limit
    this.#id = id
    this.#log = log
    this.#send = send
  }

  get peers(): readonly NodeId[] {
    return [...this.#peers.keys()]
  }

  session(peer: NodeId): Session | null {
    return this.#peers.get(peer)?.session ?? null
  }

  lead(server: Server, term: Term, incarnation: string | null, lastIndex: LogIndex): void {
    if (incarnation === null) return
    const session = { term, addedAt: server.addedAt, incarnation }
    const ignored = this.#sent.length
    this.#peers.set(server.id, {
      session,
      next: lastIndex + 1,
      match: 0,
      matchedBefore: 0,
      ignored,
    })
  }

  unlead(peer: NodeId): void {
    this.#peers.delete(peer)
  }

  /** Sends to everyone what was not sent yet. */
  pump(): void {
    for (const [id, peer] of this.#peers) {
      if (peer.next <= this.#lastIndex()) this.#append(id, peer)
    }
  }

  /** What was sent may be lost: begins again after what is known to match. */
  retry(id: NodeId): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    peer.next = peer.match > 0 ? peer.match + 1 : this.#lastIndex() + 1
    this.#append(id, peer)
  }

  onAppendReply(from: NodeId, reply: AppendReply): readonly Input[] {
    const peer = this.#peers.get(from)
    if (peer === undefined) return []
    const { term } = peer.session
    if (reply.term > term) return [{ kind: 'higherTerm', peer: from, term: reply.term }]
    const sent = this.#sent[reply.request - 1]
    if (reply.term < term || sent === undefined || reply.request <= peer.ignored) return []
    if (reply.success) {
      if (sent.last > peer.match) peer.matchedBefore = this.#sent.length
      peer.match = Math.max(peer.match, sent.last)
      peer.next = Math.max(peer.next, sent.last + 1)
      if (peer.next <= this.#lastIndex()) this.#append(from, peer)
      return [{ kind: 'matched', peer: from, session: peer.session, matchIndex: sent.last }]
    }
    peer.ignored = this.#sent.length
    if (reply.conflict?.index === 0) {
      this.#sendSnapshot(from, peer)
      return []
    }
    // S16: it has not what it acknowledged.
    const { lastIndex } = reply.conflict ?? { lastIndex: peer.match }
    const lost = lastIndex < peer.match && reply.request > peer.matchedBefore
    if (lost) return [{ kind: 'lostState', peer: from, session: peer.session }]
    if (reply.conflict === undefined || !isConflict(sent, reply.conflict)) return []
    peer.next = Math.max(this.#backOff(sent, reply.conflict), peer.match + 1)
    this.#append(from, peer)
    return []
  }

  onInstalled(from: NodeId, index: LogIndex): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) return
    peer.next = Math.max(index, peer.match) + 1
    this.#append(from, peer)
  }

  /** Raft §5.3: the leader's last entry of the follower's term there, or before all of that term. */
  #backOff(sent: Sent, { term, index, lastIndex }: Conflict): LogIndex {
    const highest = Math.min(sent.prev - 1, lastIndex)
    if (term === 0) return highest + 1
    for (let held = highest; held >= index; held--) {
      if (this.#termAt(held) === term) return held + 1
    }
    return index
  }

  #append(id: NodeId, peer: Peer): void {
    const { batches, base, commitIndex } = this.#log()
    if (peer.next <= base.index) {
      return this.#sendSnapshot(id, peer)
    }
    const rest = batches.filter((batch) => batch.lastIndex >= peer.next)
    const prevLogIndex = (rest[0]?.firstIndex ?? this.#lastIndex() + 1) - 1
    const prevLogTerm = rest[0]?.prevTerm ?? this.#termAt(prevLogIndex) ?? 0
    const fresh = rest.slice(0, this.#limit())
    const last = fresh.at(-1)?.lastIndex ?? prevLogIndex
    const request = this.#sent.push({ prev: prevLogIndex, prevTerm: prevLogTerm, last })
    peer.next = Math.max(peer.next, last + 1)
    const { term, addedAt } = peer.session
    const incarnation = incarnationOf(id)
    const head = { kind: 'appendEntries', term, leader: this.#id, addedAt, incarnation } as const
    const where = { request, prevLogIndex, prevLogTerm, leaderCommit: commitIndex }
    const spans = fresh.map(({ firstIndex, lastIndex, term }) => ({ firstIndex, lastIndex, term }))
    this.#send(id, {
      kind: 'append',
      request: { ...head, ...where, batches: spans },
      batches: fresh,
    })
  }

  #sendSnapshot(id: NodeId, { session }: Peer): void {
    const { snapshot } = this.#log()
    const message = { kind: 'snapshot', term: session.term, leader: this.#id } as const
    if (snapshot !== null) this.#send(id, { ...message, snapshot })
  }

  #lastIndex(): LogIndex {
    const { batches, base } = this.#log()
    return batches.at(-1)?.lastIndex ?? base.index
  }

  #termAt(index: LogIndex): Term | null {
    const { batches, base } = this.#log()
    if (index === base.index) return base.term
    return batches.find((b) => b.firstIndex <= index && index <= b.lastIndex)?.term ?? null
  }
}

/** S15: a full follower conflicts with nothing; it is tried again later. */
function isConflict(sent: Sent, conflict: Conflict): boolean {
  return conflict.term !== sent.prevTerm || conflict.lastIndex < sent.prev
}
