import type { ActorLogger } from '../runtime/actor.js'
import type { HostActorSystem } from '../runtime/actor-system.js'
import type { WireError } from '../runtime/wire-error.js'
import type { AssembledNode } from './assembled.js'
import { raftErrorFromWire } from './error-wire.js'
import type { RaftError } from './errors.js'
import type { NodeSide } from './node-side.js'
import type { ClosedInfo, CloseOptions } from './types.js'

const DEFAULT_CLOSE_MS = 10_000

export interface LifeParts {
  readonly system: HostActorSystem
  readonly side: NodeSide
  readonly assembled: AssembledNode
  readonly logger: ActorLogger | undefined
}

/** The end of a node, whichever way it comes: it comes once, and everything pending is told. */
export class Life {
  readonly closed: Promise<ClosedInfo>
  readonly #parts: LifeParts
  #ended: (info: ClosedInfo) => void = () => {}
  #closing: Promise<void> | null = null

  constructor(parts: LifeParts) {
    this.#parts = parts
    this.closed = new Promise((resolve) => {
      this.#ended = resolve
    })
  }

  get over(): boolean {
    return this.#closing !== null
  }

  /** Closing twice is closing once: the first call's options count. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options).then(() => this.#ended({ reason: 'closed' }))
    return this.#closing
  }

  /** The cluster has removed this node (shutdownOnRemove). */
  removed(): void {
    this.#closing ??= this.#close({}).then(() => this.#ended({ reason: 'removed' }))
  }

  /** The node cannot go on. */
  failed(wire: WireError): void {
    if (this.#closing !== null) return
    const error = raftErrorFromWire(wire, 'RAFT_CLOSED')
    this.#parts.logger?.error({ code: error.code, details: error.details }, error.message)
    this.#parts.side.close(error)
    this.#closing = this.#end(DEFAULT_CLOSE_MS, wire).then(() =>
      this.#ended({ reason: 'failed', error }),
    )
  }

  async #close({ transfer = false, timeoutMs = DEFAULT_CLOSE_MS }: CloseOptions): Promise<void> {
    const { side, system } = this.#parts
    const deadline = system.now() + timeoutMs
    if (transfer && side.view.leads) await this.#transfer(timeoutMs / 2)
    side.close(undefined)
    await this.#end(Math.max(1, deadline - system.now()), null)
  }

  /** Proposals under way may still end well; new ones are refused from here on. */
  async #transfer(timeoutMs: number): Promise<void> {
    const { side, logger } = this.#parts
    const handed = side.requests.transfer(null, { timeoutMs })
    side.refuseNew()
    try {
      await handed
    } catch (error) {
      const { message } = error as RaftError
      logger?.info({ reason: message }, 'closing without having handed over leadership')
    }
  }

  async #end(timeoutMs: number, error: WireError | null): Promise<void> {
    const { assembled, side, system, logger } = this.#parts
    const stopped = assembled.close(error).catch((reason: unknown) => {
      logger?.error({ error: reason }, 'an actor could not be stopped')
    })
    let timer: { cancel(): void } | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = system.after(timeoutMs, () => resolve('late'))
    })
    if ((await Promise.race([stopped, late])) === 'late') {
      logger?.warn({ timeoutMs }, 'the node did not stop in time; its threads are ended')
      await assembled.kill().catch((reason: unknown) => {
        logger?.error({ error: reason }, 'an actor could not be ended')
      })
    }
    timer?.cancel()
    side.events.close()
  }
}
