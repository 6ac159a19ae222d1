import { Replication } from '../../../lib/core/replication.js'
import type {
  ChunkReply,
  FedBatch,
  FedChunk,
  ReplicationConfig,
  ReplicationInput,
  ReplicationOutput,
} from '../../../lib/core/replication-messages.js'
import type { Conflict } from '../../../lib/core/replication-search.js'

export type Output = ReplicationOutput<FedBatch, FedChunk>
type Input = ReplicationInput<FedBatch, FedChunk>

export const TERM = 7

export const benchConfig: ReplicationConfig = {
  maxInflightBytes: 1000,
  maxInflightRequests: 4,
  maxAppendBytes: 300,
  commitTimeoutMs: 50,
  replicationStallTimeoutMs: 10_000,
}

/** `count` entries of `term` from `firstIndex` on. */
export function batch(firstIndex: number, count: number, term = TERM, prevTerm = term): FedBatch {
  return { firstIndex, count, term, prevTerm, length: 100 }
}

/** A machine in a test's hands: the leader's log ends at `last` when the session begins. */
export class ReplicationBench {
  readonly machine: Replication<FedBatch, FedChunk>
  now = 1000

  constructor(last: { index: number; term: number }, config: Partial<ReplicationConfig> = {}) {
    this.machine = new Replication({
      term: TERM,
      lastIndex: last.index,
      lastTerm: last.term,
      config: { ...benchConfig, ...config },
      firstFeed: 1,
      firstTransfer: 1,
    })
  }

  /** A machine whose first probe was taken: pipeline mode, feed 1 open from `last.index` + 1. */
  static matched(
    last: { index: number; term: number },
    config: Partial<ReplicationConfig> = {},
  ): ReplicationBench {
    const bench = new ReplicationBench(last, config)
    bench.connect()
    bench.accept(1, last.index)
    return bench
  }

  step(input: Input): readonly Output[] {
    return this.machine.step(this.now, input)
  }

  connect(): readonly Output[] {
    return this.step({ kind: 'connected' })
  }

  disconnect(): readonly Output[] {
    return this.step({ kind: 'disconnected' })
  }

  commit(index: number): readonly Output[] {
    return this.step({ kind: 'committed', index })
  }

  feed(feed: number, ...batches: readonly FedBatch[]): readonly Output[] {
    return this.step({ kind: 'batches', feed, batches, compacted: false })
  }

  compacted(feed: number): readonly Output[] {
    return this.step({ kind: 'batches', feed, batches: [], compacted: true })
  }

  accept(request: number, matchIndex: number, term = TERM): readonly Output[] {
    const reply = { kind: 'appendReply', term, request, success: true, matchIndex } as const
    return this.step({ kind: 'appendReply', reply })
  }

  reject(request: number, conflict: Conflict, term = TERM): readonly Output[] {
    const answer = { term, request, success: false, matchIndex: 0, conflict } as const
    return this.step({ kind: 'appendReply', reply: { kind: 'appendReply', ...answer } })
  }

  chunk(chunk: Partial<FedChunk> & { offset: number; length?: number }): readonly Output[] {
    const { length = 0, ...rest } = chunk
    const meta = { index: 90, term: 5, size: 250 }
    const defaults = { transfer: 1, meta, length, done: false, failed: false }
    return this.step({ kind: 'chunk', chunk: { ...defaults, ...rest } })
  }

  stored(reply: Partial<ChunkReply>): readonly Output[] {
    const defaults = { term: TERM, transfer: 1, offset: 0, installed: false, failed: false }
    return this.step({ kind: 'chunkReply', reply: { ...defaults, ...reply } })
  }

  /** Time passes up to the deadline, and the machine hears of it. */
  tickAtDeadline(): readonly Output[] {
    this.now = this.machine.deadline() ?? this.now
    return this.step({ kind: 'tick' })
  }

  tickAfter(ms: number): readonly Output[] {
    this.now += ms
    return this.step({ kind: 'tick' })
  }
}

/** An empty AppendEntries behind (prevLogIndex, prevLogTerm). */
export function probe(
  request: number,
  prevLogIndex: number,
  prevLogTerm: number,
  leaderCommit = 0,
): Output {
  return { kind: 'append', request, prevLogIndex, prevLogTerm, leaderCommit, batches: [] }
}

export function append(request: number, batches: readonly FedBatch[], leaderCommit = 0): Output {
  const first = batches[0]
  if (first === undefined) throw new Error('an append of nothing is a probe')
  const [prevLogIndex, prevLogTerm] = [first.firstIndex - 1, first.prevTerm]
  return { kind: 'append', request, prevLogIndex, prevLogTerm, leaderCommit, batches }
}
