import type { KvReplica } from './replica.js'

/**
 * Whether a node should be sent requests: it has heard its leader lately, and has applied what was
 * committed when it came up, so it does not answer from long ago.
 */
export class Readiness {
  readonly #node: KvReplica
  readonly #electionTimeoutMs: number
  /** A read index taken after the start; null until a leader could be asked. */
  #firstIndex: number | null = null

  constructor(node: KvReplica, electionTimeoutMs: number) {
    this.#node = node
    this.#electionTimeoutMs = electionTimeoutMs
  }

  /** Why the node is not ready; null when it is. */
  async reason(): Promise<string | null> {
    const { state, leader, lastContactMs } = this.#node.stats()
    if (state === 'closed') return 'the node is closed'
    if (leader === null) return 'no leader is known'
    if (lastContactMs === null || lastContactMs > this.#electionTimeoutMs) {
      return `the leader was not heard for ${this.#electionTimeoutMs} ms`
    }
    return this.#caughtUp()
  }

  async #caughtUp(): Promise<string | null> {
    try {
      this.#firstIndex ??= await this.#node.readIndex({ timeoutMs: this.#electionTimeoutMs })
    } catch {
      return 'the leader has not confirmed a commit index yet'
    }
    const { appliedIndex } = this.#node.stats()
    if (appliedIndex >= this.#firstIndex) return null
    return `applied up to ${appliedIndex} of ${this.#firstIndex}`
  }
}
