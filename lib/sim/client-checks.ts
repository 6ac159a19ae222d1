import type { LogIndex, NodeId, Term } from '../core/types.js'
import { checkHistory, type Reading, type Write } from './history.js'
import type { Applied } from './list-machine.js'
import { SafetyViolation } from './violation.js'

/** What a read saw: how far the state was, and how many commands it held. */
export interface Seen {
  readonly index: LogIndex
  readonly count: number
}

/**
 * What programs and state machines are promised: one history of commands, the same for all, with every
 * acknowledged command in it and no rejected one, and reads that never miss what was known before them.
 * All methods throw a SafetyViolation when that is broken.
 */
export class ClientChecks {
  /** Indexes that hold commands, in order: whoever applies one first has applied all before it. */
  readonly #indexes: LogIndex[] = []
  readonly #commandAt = new Map<LogIndex, string>()
  readonly #applied = new Set<string>()
  readonly #rejected = new Set<string>()
  readonly acknowledged = new Map<string, LogIndex>()
  readonly #begun = new Map<string, number>()
  readonly #writes: Write[] = []
  readonly #readings: Reading[] = []
  /** Highest index that a program knew to be applied: no later linearizable read may miss it. */
  known: LogIndex = 0

  /** A program asks for this command now. */
  proposed(command: string, now: number): void {
    this.#begun.set(command, now)
  }

  /** Its state machine's answer has come back. */
  answered(command: string, result: Applied, now: number): void {
    const from = this.#begun.get(command) ?? 0
    this.#begun.delete(command)
    this.#writes.push({ command, from, to: now, result })
  }

  /** A linearizable read has ended. */
  saw(reading: Reading): void {
    this.#readings.push(reading)
  }

  /** At the end, in the order that the machines hold. */
  checkHistory(final: readonly string[]): void {
    const unanswered = [...this.#begun].map(([command, from]) => {
      return { command, from, to: Number.POSITIVE_INFINITY, result: null }
    })
    checkHistory(final, [...this.#writes, ...unanswered], this.#readings)
  }

  /** The `count`-th command of a state machine. */
  applied(node: NodeId, index: LogIndex, term: Term, command: string, count: number): void {
    const known = this.#commandAt.get(index) ?? command
    if (known !== command) {
      throw new SafetyViolation(
        'state-machine safety',
        `${node} applied ${command} at index ${index} of term ${term}, another node ${known}`,
      )
    }
    if (this.#rejected.has(command)) {
      throw new SafetyViolation('rejected commands are not applied', `${command} at ${index}`)
    }
    if (!this.#commandAt.has(index)) this.#first(node, index, command)
    this.#holds(node, { index, count })
  }

  /** What a client was told stays true. */
  acknowledge(node: NodeId, command: string, index: LogIndex): void {
    const found = this.#commandAt.get(index)
    if (found !== command) {
      throw new SafetyViolation(
        'acknowledged commands are applied',
        `${node} acknowledged ${command} at index ${index}, where ${found ?? 'nothing'} was applied`,
      )
    }
    this.acknowledged.set(command, index)
    this.known = Math.max(this.known, index)
  }

  /** A command that was certainly refused must never be applied (S17). */
  refused(node: NodeId, command: string): void {
    this.#rejected.add(command)
    if (!this.#applied.has(command)) return
    throw new SafetyViolation('rejected commands are not applied', `${node} rejected ${command}`)
  }

  /** A linearizable read: `floor` is what was known when it began (S10). */
  read(node: NodeId, what: string, floor: LogIndex, seen: Seen): void {
    if (seen.index < floor) {
      throw new SafetyViolation(
        'linearizable reads',
        `a ${what} at ${node} saw index ${seen.index}; before it began ${floor} was known`,
      )
    }
    this.#holds(node, seen)
    this.known = Math.max(this.known, seen.index)
  }

  /** At the end: what a state machine holds after everything is applied. */
  final(node: NodeId, commands: readonly string[]): void {
    const expected = this.#indexes.map((index) => this.#commandAt.get(index))
    const differs = expected.findIndex((command, position) => commands[position] !== command)
    if (differs === -1 && commands.length === expected.length) return
    throw new SafetyViolation(
      'one history',
      `${node} ends with ${commands.length} commands of ${expected.length}, other ones from ${differs} on`,
    )
  }

  #first(node: NodeId, index: LogIndex, command: string): void {
    const last = this.#indexes.at(-1) ?? 0
    if (index < last) {
      const text = `${node} applied index ${index}, which others skipped: they are at ${last}`
      throw new SafetyViolation('apply without gaps', text)
    }
    if (this.#applied.has(command)) {
      throw new SafetyViolation('commands are applied once', `${command} again at ${index}`)
    }
    this.#indexes.push(index)
    this.#commandAt.set(index, command)
    this.#applied.add(command)
  }

  /** A state at `index` holds every command up to there. */
  #holds(node: NodeId, { index, count }: Seen): void {
    const expected = this.#countThrough(index)
    if (count === expected) return
    const text = `${node} has ${count} commands at index ${index}, expected ${expected}`
    throw new SafetyViolation('apply without gaps', text)
  }

  #countThrough(index: LogIndex): number {
    let low = 0
    let high = this.#indexes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#indexes[middle] as LogIndex) <= index) low = middle + 1
      else high = middle
    }
    return low
  }
}
