import type { LogIndex } from '../../lib/core/types.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { LogMessage } from '../log/protocol.js'

type Take = (batches: readonly BatchRef[]) => void

/** Reads of batches that the tail does not hold any more. Each answer finds its asker by number. */
export class LogReader {
  readonly #log: () => ActorRef<LogMessage>
  readonly #maxBytes: number
  readonly #waiting = new Map<number, Take>()
  #request = 0

  constructor(log: () => ActorRef<LogMessage>, maxBytes: number) {
    this.#log = log
    this.#maxBytes = maxBytes
  }

  /** `take` gets an empty list when `fromIndex` is not held. */
  read(fromIndex: LogIndex, toIndex: LogIndex, maxBytes: number, take: Take): void {
    const request = ++this.#request
    this.#waiting.set(request, take)
    const bounded = Math.min(maxBytes, this.#maxBytes)
    this.#log().control({ kind: 'read', request, fromIndex, toIndex, maxBytes: bounded })
  }

  answered(request: number, batches: readonly BatchRef[]): void {
    const take = this.#waiting.get(request)
    this.#waiting.delete(request)
    take?.(batches)
  }
}
