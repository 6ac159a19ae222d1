import type { LogIndex } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { LogTail } from '../../lib/log/log-tail.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { LogMessage } from '../log/protocol.js'

type Take = (batches: readonly BatchRef[]) => void

/**
 * Reads of batches that the tail does not hold any more. Each answer finds its asker by number.
 *
 * A read takes the control lane of the log actor and overtakes truncations and appends that wait for
 * the disk. So it never asks for what the tail holds: only below the tail are store and log the same.
 */
export class LogReader {
  readonly #log: () => ActorRef<LogMessage>
  readonly #tail: LogTail
  readonly #maxBytes: number
  readonly #waiting = new Map<number, Take>()
  #request = 0

  constructor(log: () => ActorRef<LogMessage>, tail: LogTail, maxBytes: number) {
    this.#log = log
    this.#tail = tail
    this.#maxBytes = maxBytes
  }

  /** `take` gets an empty list when `fromIndex` is not held; it may get less than up to `toIndex`. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number, take: Take): void {
    const request = ++this.#request
    this.#waiting.set(request, take)
    const cold = (this.#tail.firstIndex ?? Number.POSITIVE_INFINITY) - 1
    this.#log().control({
      kind: 'read',
      request,
      fromIndex,
      toIndex: Math.min(toIndex, cold),
      maxBytes: Math.min(maxBytes, this.#maxBytes),
    })
  }

  answered(request: number, batches: readonly BatchRef[]): void {
    const take = this.#waiting.get(request)
    this.#waiting.delete(request)
    take?.(batches)
  }
}
