import type { EntryMark } from './entry-mark.js'
import type { Outcome } from './error-codes.js'
import type { PendingCall } from './pending-call.js'
import type { Placement } from './proposer.js'
import type { Applied, AppliedBatch } from './types.js'

type Place =
  /** No leader is known, or the last one refused: nothing of it is anywhere. */
  | { readonly kind: 'waiting' }
  /** In the local proposer. */
  | { readonly kind: 'local'; readonly placement: Placement | null }
  /** On its way to another node, or there. */
  | { readonly kind: 'sent'; readonly to: string }

/** One `apply` or `applyBatch` that may travel, from the call until its outcome is known. */
export class ForwardCommand {
  readonly call: PendingCall<Applied> | PendingCall<AppliedBatch>
  readonly commands: readonly Uint8Array[]
  /** An applyBatch: consecutive indexes, and settled as one. */
  readonly bulk: boolean
  readonly bytes: number
  /** Monotonic ms at which the call is overdue. */
  readonly deadlineAt: number
  place: Place = { kind: 'waiting' }
  /** Whether it counts against the budget here; the proposer counts what lies there itself. */
  counted = false
  /**
   * Present for a command that is applied once however often it is proposed: what its entry is beside
   * the data, asked for at each attempt.
   */
  readonly mark: (() => EntryMark) | null
  /** Counted, so that what an earlier attempt comes to is known as that. */
  attempt = 0
  /** An earlier attempt ended without anyone knowing how. */
  uncertain = false

  constructor(
    call: PendingCall<Applied> | PendingCall<AppliedBatch>,
    commands: readonly Uint8Array[],
    bulk: boolean,
    now: number,
    mark: (() => EntryMark) | null = null,
  ) {
    this.mark = mark
    this.call = call
    this.commands = commands
    this.bulk = bulk
    this.bytes = commands.reduce((sum, data) => sum + data.length, 0)
    this.deadlineAt = now + call.timeoutMs
  }

  /** The command of an `apply`. */
  get only(): Uint8Array {
    return this.commands[0] ?? new Uint8Array(0)
  }

  /** Applied is the answer of an `apply`, AppliedBatch that of an `applyBatch`. */
  resolve(applied: Applied | AppliedBatch): void {
    const call = this.call as PendingCall<Applied | AppliedBatch>
    call.resolve(applied)
  }

  /** S17: what was sent, or lies in a batch that consensus has, may have been applied. */
  giveUp(): Outcome {
    const outcome = this.#lastAttempt()
    return this.uncertain ? 'unknown' : outcome
  }

  #lastAttempt(): Outcome {
    const { place } = this
    switch (place.kind) {
      case 'waiting':
        return 'rejected'
      case 'sent':
        return 'unknown'
      case 'local':
        if (place.placement === null) return 'rejected'
        return place.placement.batch.giveUp(place.placement.position)
    }
  }
}
