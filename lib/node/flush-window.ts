export interface FlushLimits {
  readonly maxUnflushedBatches: number
  readonly maxApplyLagBytes: number
}

/**
 * The window of group commit: batches told to consensus and not yet flushed here. One that the other voters
 * have committed before this disk is done with it holds up no further one, so that a stalled disk of the
 * leader does not stop commits; together such batches stay below `maxApplyLagBytes` (S18).
 */
export class FlushWindow {
  /** Changed in place when they are reloaded. */
  readonly #limits: FlushLimits
  /** With their bytes, like the others. */
  readonly #waiting = new Map<number, number>()
  /** Applied and not flushed here. */
  readonly #overtaken = new Map<number, number>()
  #overtakenBytes = 0

  constructor(limits: FlushLimits) {
    this.#limits = limits
  }

  /** Whether another batch may go. */
  get isOpen(): boolean {
    return this.#waiting.size < this.#limits.maxUnflushedBatches
  }

  told(proposal: number, bytes: number): void {
    this.#waiting.set(proposal, bytes)
  }

  /** The log is one FIFO: what was told before is flushed too. Returns all that became so. */
  flushed(proposal: number): readonly number[] {
    const overtaken = [...this.#overtaken.keys()].filter((told) => told <= proposal)
    const waiting = [...this.#waiting.keys()].filter((told) => told <= proposal)
    for (const told of overtaken) this.#forget(told)
    for (const told of waiting) this.#waiting.delete(told)
    return [...overtaken, ...waiting]
  }

  /** True when this let another batch go. */
  applied(proposal: number): boolean {
    const bytes = this.#waiting.get(proposal)
    if (bytes === undefined) return false
    if (this.#overtakenBytes + bytes > this.#limits.maxApplyLagBytes) return false
    this.#waiting.delete(proposal)
    this.#overtaken.set(proposal, bytes)
    this.#overtakenBytes += bytes
    return true
  }

  /** It will never be flushed. */
  failed(proposal: number): void {
    this.#waiting.delete(proposal)
    this.#forget(proposal)
  }

  clear(): void {
    this.#waiting.clear()
    this.#overtaken.clear()
    this.#overtakenBytes = 0
  }

  #forget(proposal: number): void {
    this.#overtakenBytes -= this.#overtaken.get(proposal) ?? 0
    this.#overtaken.delete(proposal)
  }
}
