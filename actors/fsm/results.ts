import type { LogIndex } from '../../lib/core/types.js'
import { StateMachineError } from '../../lib/fsm/errors.js'
import type { CommandError } from '../../lib/fsm/state-machine.js'
import { toWireError, type WireError } from '../../lib/runtime/wire-error.js'
import type { Courier } from './courier.js'
import type { Repeat, ResultRun } from './protocol.js'
import type { Repeated } from './sessions/repetitions.js'

/** Gathers the results of one apply message that someone waits for. */
export class Results {
  readonly #from: LogIndex
  readonly #courier: Courier
  #firstIndex: LogIndex | null = null
  readonly #values: unknown[] = []
  readonly #errors: { readonly index: LogIndex; readonly error: WireError }[] = []
  #repeats: Repeat[] | null = null
  #allUndefined = true

  /** `from`: the first index that is waited for; null when nobody waits. */
  constructor(from: LogIndex | null, courier: Courier) {
    this.#from = from ?? Number.POSITIVE_INFINITY
    this.#courier = courier
  }

  /** In the order of indexes, each once. */
  add(index: LogIndex, value: unknown): void {
    if (index < this.#from) return
    this.#firstIndex ??= index
    if (value === undefined) {
      this.#values.push(undefined)
      return
    }
    const packed = this.#courier.pack(value)
    if (packed.ok) {
      this.#allUndefined = false
      this.#values.push(packed.value)
    } else this.#fail(index, toWireError(unsendable(index, packed.error)))
  }

  /** The machine refused the command: that is its result (S14). */
  refuse(index: LogIndex, error: CommandError): void {
    if (index < this.#from) return
    this.#firstIndex ??= index
    this.#fail(index, toWireError(error))
  }

  /** The answer to a command that was not applied at `index`, or never. */
  repeat(index: LogIndex, { first, outcome }: Repeated): void {
    if (index < this.#from) return
    if (first !== null) {
      this.#repeats ??= []
      this.#repeats.push({ index, firstIndex: first.index, firstTerm: first.term })
    }
    if (outcome.ok) this.add(index, outcome.value)
    else {
      this.#firstIndex ??= index
      this.#fail(index, outcome.error)
    }
  }

  run(): ResultRun | null {
    if (this.#firstIndex === null) return null
    const nothing = this.#allUndefined && this.#errors.length === 0
    const values = nothing ? null : this.#values
    const run = { firstIndex: this.#firstIndex, values, errors: this.#errors }
    return this.#repeats === null ? run : { ...run, repeats: this.#repeats }
  }

  #fail(index: LogIndex, error: WireError): void {
    this.#values.push(undefined)
    this.#errors.push({ index, error })
  }
}

function unsendable(index: LogIndex, cause: Error): StateMachineError {
  return new StateMachineError(
    'RAFT_RESULT_LOST',
    `the command at index ${index} was applied, but its result cannot be sent to the caller's thread (${cause.message}): return plain data`,
    { details: { index }, cause },
  )
}
