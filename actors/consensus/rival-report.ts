import type { RaftCore } from '../../lib/core/raft-core.js'
import type { NodeId, Term } from '../../lib/core/types.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { EffectRunner } from './effect-runner.js'

/**
 * two leaders of one term must not be. The core takes nothing from the second; here it is
 * reported, once a term, because a message cannot prove which of them is wrong.
 */
export class RivalReport {
  readonly #core: RaftCore
  readonly #context: ActorContext
  readonly #effects: EffectRunner
  #reported = ''

  constructor(parts: {
    readonly core: RaftCore
    readonly context: ActorContext
    readonly effects: EffectRunner
  }) {
    this.#core = parts.core
    this.#context = parts.context
    this.#effects = parts.effects
  }

  /** A heartbeat or AppendEntries of `rival` came. */
  heard({ leader: rival, term }: { readonly leader: NodeId; readonly term: Term }): void {
    const { term: own, leader } = this.#core.status()
    if (term !== own || leader === null || leader === rival) return
    const key = `${term} ${rival}`
    if (key === this.#reported) return
    this.#reported = key
    const reason = `it claims to lead term ${term}, which ${leader} leads: its messages are not taken`
    this.#context.log.error({ rival, leader, term }, 'two leaders of one term')
    this.#effects.event({ kind: 'peer', peer: rival, change: 'refused', reason })
  }
}
