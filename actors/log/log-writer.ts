import { assert, assertNever } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import { verifyBatch } from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { batchBytes, PIN_LOG, unpin } from '../../lib/log/slab.js'
import {
  type Store,
  type StoredBatch,
  type StoredLog,
  StoreFullError,
} from '../../lib/log/store.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import type { LogMessage } from './protocol.js'

export type LogOperation = Extract<
  LogMessage,
  { readonly kind: 'append' | 'truncate' | 'reset' | 'compact' }
>

/** What became of the operations taken since the last flush. */
export interface FlushOutcome {
  /** Durable through this operation. */
  readonly flushed: number | null
  /** This one and all after it came to nothing. */
  readonly refused: {
    readonly seq: number
    readonly lastIndex: LogIndex
    readonly message: string
  } | null
}

interface LogEnd {
  readonly index: LogIndex
  /** Null while nobody has said it, after a truncation. */
  readonly term: Term | null
}

/**
 * Stages operations in the order in which they come and flushes them together (group commit). What was
 * checked when the batch was made is checked again here, the last place before it is durable.
 */
export class LogWriter {
  readonly #store: Store
  #staged: LogOperation[] = []
  #stagedBytes = 0
  #stagedBatches = 0
  /** The end of the log with everything staged, and as the last flush left it. */
  #last: LogEnd
  #flushed: LogEnd
  /** At or above the entry before the first one; where it equals the end, the log is empty. */
  #base: LogIndex
  #flushedBase: LogIndex
  #lastSeq = 0
  /** An append of this burst was refused before it was staged. */
  #refusedAppend: { readonly seq: number; readonly message: string } | null = null
  /** A refusal that the consensus actor has not seen yet: whatever comes is void. */
  #refusal: number | null = null
  #appendedBytes = 0
  #appendedBatches = 0
  #appendedEntries = 0

  constructor(store: Store, log: StoredLog) {
    this.#store = store
    this.#last = { index: log.lastIndex, term: log.lastTerm }
    this.#flushed = this.#last
    this.#base = log.firstIndex - 1
    this.#flushedBase = this.#base
  }

  /** Bytes of batches staged and not flushed. */
  get stagedBytes(): number {
    return this.#stagedBytes
  }

  get stagedBatches(): number {
    return this.#stagedBatches
  }

  get flushed(): LogEnd {
    return this.#flushed
  }

  get appendedBytes(): number {
    return this.#appendedBytes
  }

  get appendedBatches(): number {
    return this.#appendedBatches
  }

  get appendedEntries(): number {
    return this.#appendedEntries
  }

  /** `durableTerm`: of the hard state on disk. No entry of a later term is taken (S5). */
  *stage(operation: LogOperation, durableTerm: Term): Steps {
    if (this.#refusal !== null || this.#refusedAppend !== null) return drop(operation)
    assert(operation.seq > this.#lastSeq, 'log operations come in the order of their numbers', {
      seq: operation.seq,
      lastSeq: this.#lastSeq,
    })
    this.#lastSeq = operation.seq
    switch (operation.kind) {
      case 'append':
        return yield* this.#append(operation, durableTerm)
      case 'truncate':
        assert(operation.fromIndex > this.#base, 'a truncation reaches below the log', {
          fromIndex: operation.fromIndex,
          base: this.#base,
        })
        yield* step(this.#store.truncate(operation.fromIndex))
        if (operation.fromIndex <= this.#last.index) {
          this.#last = { index: operation.fromIndex - 1, term: null }
        }
        break
      case 'reset':
        yield* step(this.#store.reset(operation.index, operation.term))
        this.#last = { index: operation.index, term: operation.term }
        this.#base = operation.index
        break
      case 'compact':
        yield* step(this.#store.compact(operation.index))
        this.#base = Math.max(this.#base, Math.min(operation.index, this.#last.index))
        break
      default:
        assertNever(operation)
    }
    this.#staged.push(operation)
  }

  /** Takes nothing of this append and of what follows it: its hard state found no room. */
  refuse(operation: LogOperation, message: string): void {
    drop(operation)
    if (this.#refusal !== null || this.#refusedAppend !== null) return
    this.#lastSeq = operation.seq
    this.#refusedAppend = { seq: operation.seq, message }
  }

  /** Makes durable what is staged. Any error but a full store is fatal and leaves this. */
  *flush(): Steps<FlushOutcome> {
    const refused = this.#refusedAppend
    this.#refusedAppend = null
    const first = this.#staged[0]
    let flushed: number | null = null
    if (first !== undefined) {
      try {
        yield* step(this.#store.flush())
      } catch (error) {
        if (!(error instanceof StoreFullError)) throw error
        this.#forget()
        this.#last = this.#flushed
        this.#base = this.#flushedBase
        return this.#refuse(first.seq, error.message, null)
      }
      flushed = this.#staged.at(-1)?.seq ?? null
      this.#forget()
      this.#flushed = this.#last
      this.#flushedBase = this.#base
    }
    return refused === null
      ? { flushed, refused: null }
      : this.#refuse(refused.seq, refused.message, flushed)
  }

  /** The consensus actor knows of the refusal: from here on operations count again. */
  refusalSeen(seq: number): void {
    if (this.#refusal === seq) this.#refusal = null
  }

  get refusalUnseen(): boolean {
    return this.#refusal !== null
  }

  *#append(operation: LogOperation & { readonly kind: 'append' }, durableTerm: Term): Steps {
    let last = this.#last
    let bytes = 0
    const batches: StoredBatch[] = []
    for (const ref of operation.batches) {
      const batch = this.#checked(ref, last, durableTerm)
      last = { index: batch.lastIndex, term: batch.term }
      bytes += ref.length
      batches.push(batch)
    }
    try {
      yield* step(this.#store.append(batches))
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error
      drop(operation)
      this.#refusedAppend = { seq: operation.seq, message: error.message }
      return
    }
    this.#appendedEntries += last.index - this.#last.index
    this.#last = last
    this.#stagedBytes += bytes
    this.#stagedBatches += batches.length
    this.#appendedBytes += bytes
    this.#appendedBatches += batches.length
    this.#staged.push(operation)
  }

  #checked(ref: BatchRef, last: LogEnd, durableTerm: Term): StoredBatch {
    const bytes = batchBytes(ref)
    const { firstIndex, lastIndex, term, prevTerm } = verifyBatch(bytes)
    assert(term <= durableTerm, 'an entry is never durable before a hard state of its term (S5)', {
      firstIndex,
      term,
      durableTerm,
    })
    const follows = firstIndex === last.index + 1
    // S6: the first batch after a snapshot may begin below it, as long as it ends above.
    const straddles = last.index === this.#base && firstIndex <= last.index
    assert(
      firstIndex === ref.firstIndex && (follows || straddles) && lastIndex > last.index,
      'a batch does not continue the log',
      { expected: last.index + 1, firstIndex, lastIndex, ref: ref.firstIndex },
    )
    assert(
      straddles || last.term === null || prevTerm === last.term,
      'the log has another term before a batch',
      {
        firstIndex,
        prevTerm,
        lastTerm: last.term,
      },
    )
    return { firstIndex, lastIndex, term, bytes }
  }

  #refuse(seq: number, message: string, flushed: number | null): FlushOutcome {
    this.#refusal = seq
    return { flushed, refused: { seq, lastIndex: this.#flushed.index, message } }
  }

  #forget(): void {
    for (const operation of this.#staged) drop(operation)
    this.#staged = []
    this.#stagedBytes = 0
    this.#stagedBatches = 0
  }
}

/** The operation's memory is no longer needed here. */
function drop(operation: LogOperation): void {
  if (operation.kind !== 'append') return
  for (const ref of operation.batches) unpin(ref, PIN_LOG)
}
