import type { Input } from '../../lib/core/inputs.js'
import type { RaftCore } from '../../lib/core/raft-core.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import type { ControlBlockWriter } from './control-block.js'
import type { EffectRunner } from './effect-runner.js'

/** The only caller of the core's `step`. */
export class Stepper {
  readonly #context: ActorContext
  readonly #core: RaftCore
  readonly #control: ControlBlockWriter
  readonly #effects: EffectRunner
  #closed = false

  constructor(parts: {
    readonly context: ActorContext
    readonly core: RaftCore
    readonly control: ControlBlockWriter
    readonly effects: EffectRunner
  }) {
    this.#context = parts.context
    this.#core = parts.core
    this.#control = parts.control
    this.#effects = parts.effects
  }

  /**
   * One step of the core and its effects. S9: before a step that may vote, campaign or change the term
   * the fast path of heartbeats is withdrawn and what it heard is told; afterwards it is restored
   * unless the core has withdrawn it itself.
   */
  step(input: Input): void {
    if (input.kind === 'tick') this.#tellContact()
    let now = this.#context.now()
    const guarded = this.#mayChangeTerm(input, now)
    if (guarded) {
      this.#control.withdraw()
      this.#tellContact()
      now = this.#context.now()
    }
    // Otherwise the core sees the time that was judged: held up meanwhile, this thread may be late by now.
    this.#effects.run(this.#core.step(now, input))
    const block = this.#effects.controlBlock
    if (this.#closed) this.#control.withdraw()
    else if (guarded && block !== null && !this.#control.published) this.#control.publish(block)
  }

  /** This node ends: no heartbeat is answered on the fast path any more. */
  close(): void {
    this.#closed = true
    this.#control.withdraw()
  }

  #tellContact(): void {
    const at = this.#control.contact()
    if (at === null) return
    this.#effects.run(this.#core.step(this.#context.now(), { kind: 'contact', at }))
  }

  #mayChangeTerm(input: Input, now: number): boolean {
    switch (input.kind) {
      case 'requestVote':
      case 'voteReply':
      case 'heartbeat':
      case 'timeoutNow':
      case 'higherTerm':
      case 'stalled':
        return true
      case 'appendEntries':
        return input.request.term !== this.#core.status().term
      case 'tick':
        return now >= this.#core.nextDeadline()
      default:
        return false
    }
  }
}
