import { isRaftError, jsonCodec, type NodeOf, stateMachine } from 'troupe'
import type { Command } from './lock-machine.js'

/** What `RaftNode.start` or `startTestCluster` takes for `stateMachine`. */
export const locks = () =>
  stateMachine<typeof import('./lock-machine.js')>(
    new URL('./lock-machine.js', import.meta.url),
    undefined,
    { codec: jsonCodec<Command>() },
  )

export type LockNode = NodeOf<ReturnType<typeof locks>>

/** A lock of the cluster, for one program. */
export class Lock {
  readonly #node: LockNode
  readonly #name: string
  readonly #owner: string

  /** `owner` is this program's name, and nobody else's. */
  constructor(node: LockNode, name: string, owner: string) {
    this.#node = node
    this.#name = name
    this.#owner = owner
  }

  /**
   * Waits until it is ours, for `leaseMs`, and resolves with its fencing token. A program that stands still
   * for longer has lost it without knowing: so whatever it guards must refuse a token smaller than one it
   * has seen.
   */
  async acquire(leaseMs: number): Promise<number> {
    for (;;) {
      const request = { kind: 'acquire', name: this.#name, owner: this.#owner, leaseMs } as const
      const { index, result } = await this.#node.apply(request, { forward: true })
      if (result?.token === index) return index
      await this.#changed(index, leaseMs)
    }
  }

  /** Does nothing when it was lost meanwhile. */
  async release(token: number): Promise<void> {
    await this.#node.apply({ kind: 'release', name: this.#name, token }, { forward: true })
  }

  /** Another entry came, which may be a release; or a lease may have run out. */
  async #changed(index: number, timeoutMs: number): Promise<void> {
    try {
      await this.#node.waitFor({ applied: index + 1 }, { timeoutMs })
    } catch (error) {
      if (!isRaftError(error, 'RAFT_TIMEOUT')) throw error
    }
  }
}
