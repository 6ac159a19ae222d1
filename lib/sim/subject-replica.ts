import type { Entry, SnapshotSink, StateMachine } from '../fsm/state-machine.js'
import { CommandError, isCommandError } from '../fsm/state-machine.js'
import { isPromise } from '../runtime/promise.js'
import { digestOf } from './digest.js'
import type { ErasedSubject } from './subject.js'
import { SafetyViolation } from './violation.js'

/** One replica of the user's machine, as the simulator drives it. */
export class SubjectReplica {
  readonly #subject: ErasedSubject
  readonly #machine: StateMachine<unknown>
  readonly #report: (violation: SafetyViolation) => void

  /** `report` is told of what the user's check finds. */
  constructor(
    subject: ErasedSubject,
    nodeId: string,
    report: (violation: SafetyViolation) => void,
  ) {
    this.#report = report
    this.#subject = subject
    this.#machine = subject.createStateMachine(nodeId)
  }

  /** Returns what every other replica must return for this entry: a digest of result and state. */
  apply(entry: Entry, bytes: Uint8Array): number | Promise<number> {
    const { codec } = this.#subject
    const command: unknown = codec === undefined ? bytes : codec.decode(bytes)
    const own = { ...entry, command }
    const outcome = attempt(() => this.#apply(own))
    if (!isPromise(outcome)) return this.#applied(own, outcome)
    return Promise.resolve(outcome).then((value) => this.#applied(own, value))
  }

  async persist(): Promise<(sink: SnapshotSink) => Promise<void>> {
    const { persist, release } = await this.#machine.snapshot()
    return async (sink) => {
      await persist(sink)
      await release?.()
    }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#machine.restore(source)
  }

  #apply(entry: Entry<unknown>): unknown {
    const { applyBatch } = this.#machine
    if (applyBatch === undefined) return this.#machine.apply(entry)
    const results = applyBatch.call(this.#machine, [entry])
    return isPromise(results) ? results.then(([one]) => one) : results[0]
  }

  #applied(entry: Entry<unknown>, outcome: unknown): number {
    const { check, digest } = this.#subject
    try {
      check?.(this.#machine, entry)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      const where = `after index ${entry.index}: ${text}`
      this.#report(new SafetyViolation('check of the state machine', where))
    }
    const state = digest?.(this.#machine) ?? ''
    return digestOf(`${textOf(outcome)}\n${state}`)
  }
}

/** A refusal is a result (S14); whatever else is thrown fails the node. */
function attempt(apply: () => unknown): unknown {
  try {
    const outcome = apply()
    return isPromise(outcome) ? Promise.resolve(outcome).catch(refusal) : outcome
  } catch (error) {
    return refusal(error)
  }
}

function refusal(error: unknown): CommandError {
  if (isCommandError(error)) return error
  throw error
}

function textOf(outcome: unknown): string {
  if (outcome instanceof CommandError || isCommandError(outcome)) return `refused ${outcome.code}`
  if (outcome instanceof Uint8Array) return Buffer.from(outcome).toString('base64')
  return JSON.stringify(outcome, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  ) as string
}
