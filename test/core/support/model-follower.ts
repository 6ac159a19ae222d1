import type { ChunkReply, FedBatch, FedChunk } from '../../../lib/core/replication-messages.js'
import type { AppendReply } from '../../../lib/core/rpc.js'

/** A request as the model passes it: what the machine put out and nothing else. */
export interface ModelAppend {
  readonly request: number
  readonly prevLogIndex: number
  readonly prevLogTerm: number
  readonly leaderCommit: number
  readonly batches: readonly FedBatch[]
}

export interface ModelChunk {
  readonly chunk: FedChunk
  readonly meta: NonNullable<FedChunk['meta']>
}

/** Raft's Figure 2 and 13 for one follower, as plainly as possible: a list of terms by index. */
export class ModelFollower {
  readonly #leaderTerm: number
  /** Everything up to here is covered by a snapshot. */
  baseIndex = 0
  baseTerm = 0
  /** terms[i] is the term of entry baseIndex + 1 + i. */
  terms: number[]
  durableIndex: number
  commitIndex = 0
  /** Answers nothing that has not been flushed (S5). */
  #unflushed: { readonly through: number; readonly reply: AppendReply }[] = []
  #transfer = { number: 0, held: 0 }
  #installing: ModelChunk['meta'] | null = null
  /** Refuses every entry, as with a full disk. */
  full = false

  constructor(leaderTerm: number, terms: readonly number[]) {
    this.#leaderTerm = leaderTerm
    this.terms = [...terms]
    this.durableIndex = terms.length
  }

  get lastIndex(): number {
    return this.baseIndex + this.terms.length
  }

  /** 0 when there is none at `index`. */
  termAt(index: number): number {
    if (index === this.baseIndex) return this.baseTerm
    return this.terms[index - this.baseIndex - 1] ?? 0
  }

  append(message: ModelAppend): AppendReply | null {
    const { prevLogIndex, prevLogTerm, batches } = message
    const holdsPrev = prevLogIndex <= this.baseIndex || this.termAt(prevLogIndex) === prevLogTerm
    if (prevLogIndex > this.lastIndex || !holdsPrev) return this.#reject(message)
    if (this.full && batches.length > 0) return this.#reject(message)
    let last = prevLogIndex
    for (const batch of batches) {
      for (let i = 0; i < batch.count; i++) this.#take(batch.firstIndex + i, batch.term)
      last = batch.firstIndex + batch.count - 1
    }
    this.commitIndex = Math.max(this.commitIndex, Math.min(message.leaderCommit, last))
    const { request } = message
    const reply: AppendReply = {
      kind: 'appendReply',
      term: this.#leaderTerm,
      request,
      success: true,
      matchIndex: last,
    }
    if (last <= this.durableIndex) return reply
    this.#unflushed.push({ through: last, reply })
    return null
  }

  /** Makes everything durable; the answers that waited for it. */
  flush(): readonly AppendReply[] {
    this.durableIndex = this.lastIndex
    const replies = this.#unflushed.map((entry) => entry.reply)
    this.#unflushed = []
    return replies
  }

  /** What was not flushed is gone, and so is what was received of a snapshot. */
  crash(): void {
    this.terms.length = Math.max(0, this.durableIndex - this.baseIndex)
    this.#unflushed = []
    this.#transfer = { number: 0, held: 0 }
    this.#installing = null
  }

  chunk({ chunk, meta }: ModelChunk): ChunkReply {
    if (chunk.transfer !== this.#transfer.number || chunk.offset === 0) {
      this.#transfer = { number: chunk.transfer, held: 0 }
    }
    if (chunk.offset === this.#transfer.held) {
      this.#transfer.held += chunk.length
      if (chunk.done) this.#installing = meta
    }
    return this.#chunkReply({ offset: this.#transfer.held })
  }

  /** Finishes an install, if one is under way. */
  install(): ChunkReply | null {
    const meta = this.#installing
    if (meta === null) return null
    this.#installing = null
    if (meta.index <= this.commitIndex) return this.#chunkReply({ failed: true })
    // S13: the log keeps its suffix only if it holds the snapshot's last entry.
    const keeps = meta.index <= this.lastIndex && this.termAt(meta.index) === meta.term
    this.terms = keeps ? this.terms.slice(meta.index - this.baseIndex) : []
    this.baseIndex = meta.index
    this.baseTerm = meta.term
    this.commitIndex = meta.index
    this.durableIndex = keeps ? Math.max(this.durableIndex, meta.index) : meta.index
    this.#unflushed = []
    return this.#chunkReply({ offset: meta.size, installed: true })
  }

  #take(index: number, term: number): void {
    if (index <= this.baseIndex || this.termAt(index) === term) return
    const held = index - this.baseIndex - 1
    if (held < this.terms.length) {
      this.terms.length = held
      this.durableIndex = Math.min(this.durableIndex, index - 1)
      this.#unflushed = this.#unflushed.filter((entry) => entry.through < index)
    }
    this.terms.push(term)
  }

  #reject({ request, prevLogIndex }: ModelAppend): AppendReply {
    const term = prevLogIndex > this.lastIndex ? 0 : this.termAt(prevLogIndex)
    let first = prevLogIndex
    while (term !== 0 && first - 1 > this.baseIndex && this.termAt(first - 1) === term) first--
    const index = term === 0 ? this.lastIndex + 1 : first
    return {
      kind: 'appendReply',
      term: this.#leaderTerm,
      request,
      success: false,
      matchIndex: 0,
      conflict: { term, index, lastIndex: this.lastIndex },
    }
  }

  #chunkReply(answer: Partial<ChunkReply>): ChunkReply {
    const transfer = this.#transfer.number
    const nothing = { offset: 0, installed: false, failed: false }
    return { ...nothing, term: this.#leaderTerm, transfer, ...answer }
  }
}
