import type { LogIndex, NodeId } from '../core/types.js'
import { checkHistory, type Reading, type Write } from './history.js'
import type { Applied, AppliedEntry } from './replica-machine.js'
import { ReplicaState } from './replica-state.js'
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
  /** Entries that hold commands, in order: whoever applies one first has applied all before it. */
  readonly #entries: AppliedEntry[] = []
  readonly #entryAt = new Map<LogIndex, AppliedEntry>()
  readonly #applied = new Set<string>()
  readonly #rejected = new Set<string>()
  readonly #begun = new Map<string, number>()
  readonly #writes: Write[] = []
  readonly #answers = new Map<string, Applied>()
  readonly #readings: Reading[] = []
  /** What replicas must hold at the end. */
  readonly #model = new ReplicaState()
  /** Highest index that a program knew to be applied: no later linearizable read may miss it. */
  known: LogIndex = 0

  /** A program asks for this command now. */
  proposed(command: string, now: number): void {
    this.#begun.set(command, now)
  }

  /** Its state machine's answer has come back. A session's command may be answered more than once. */
  answered(command: string, result: Applied, now: number): void {
    const earlier = this.#answers.get(command)
    if (earlier !== undefined) return checkRepeated(command, earlier, result)
    this.#answers.set(command, result)
    const from = this.#begun.get(command) ?? 0
    this.#begun.delete(command)
    this.#writes.push({ command, from, to: now, result })
  }

  /** A linearizable read has ended. */
  saw(reading: Reading): void {
    this.#readings.push(reading)
  }

  /** At the end, in the order that the machines hold. */
  checkHistory(): void {
    const unanswered = [...this.#begun].map(([command, from]) => {
      return { command, from, to: Number.POSITIVE_INFINITY, result: null }
    })
    const final = this.#entries.map(({ command }) => command)
    checkHistory(final, [...this.#writes, ...unanswered], this.#readings)
  }

  applied(node: NodeId, entry: AppliedEntry): void {
    const { index, term, command } = entry
    const known = this.#entryAt.get(index)
    if (known !== undefined && known.command !== command) {
      throw new SafetyViolation(
        'state-machine safety',
        `${node} applied ${command} at index ${index} of term ${term}, another node ${known.command}`,
      )
    }
    if (this.#rejected.has(command)) {
      throw new SafetyViolation('rejected commands are not applied', `${command} at ${index}`)
    }
    if (known === undefined) this.#first(node, entry)
    else this.#again(node, entry, known)
    this.#holds(node, entry)
  }

  /** What a client was told stays true. */
  acknowledge(node: NodeId, command: string, index: LogIndex): void {
    const found = this.#entryAt.get(index)?.command
    if (found !== command) {
      throw new SafetyViolation(
        'acknowledged commands are applied',
        `${node} acknowledged ${command} at index ${index}, where ${found ?? 'nothing'} was applied`,
      )
    }
    this.known = Math.max(this.known, index)
  }

  /** The same for a session's command, which an earlier attempt may have brought about. */
  answeredOnce(command: string, result: unknown, now: number): void {
    if (!this.#applied.has(command)) {
      const text = `${command} of a session was answered, and nobody has applied it`
      throw new SafetyViolation('acknowledged commands are applied', text)
    }
    this.answered(command, result as Applied, now)
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
  final(node: NodeId, state: ReplicaState | undefined): void {
    const [expected, found] = [this.#model.write(), state?.write()]
    if (found === expected) return
    const { count } = this.#model.summary
    throw new SafetyViolation(
      'one history',
      `${node} ends with ${state?.summary.count} commands of ${count}, or with other ones`,
    )
  }

  #first(node: NodeId, entry: AppliedEntry): void {
    const { index, time, command } = entry
    const last = this.#entries.at(-1)
    if (last !== undefined && index < last.index) {
      const text = `${node} applied index ${index}, which others skipped: they are at ${last.index}`
      throw new SafetyViolation('apply without gaps', text)
    }
    if (last !== undefined && time < last.time) {
      const text = `${node} applied index ${index} of ${time} after index ${last.index} of ${last.time}`
      throw new SafetyViolation('the time in the log never decreases', text)
    }
    if (this.#applied.has(command)) {
      throw new SafetyViolation('commands are applied once', `${command} again at ${index}`)
    }
    this.#entries.push(entry)
    this.#entryAt.set(index, entry)
    this.#applied.add(command)
    this.#model.apply(index, command)
  }

  /** The same entry and, after it, the same state as on the replica that was first. */
  #again(node: NodeId, { index, time, term, digest }: AppliedEntry, first: AppliedEntry): void {
    if (digest !== first.digest) {
      const text = `${node} has digest ${digest} after index ${index}, another node ${first.digest}`
      throw new SafetyViolation('replicas have equal states', text)
    }
    if (time === first.time && term === first.term) return
    const text = `${node} was given index ${index} with term ${term} and time ${time}, another node with ${first.term} and ${first.time}`
    throw new SafetyViolation('replicas are given equal entries', text)
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
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle] as AppliedEntry).index <= index) low = middle + 1
      else high = middle
    }
    return low
  }
}

function checkRepeated(command: string, first: Applied, again: Applied): void {
  if (first.position === again.position && first.done === again.done) return
  const text = `${command} was answered with ${JSON.stringify(first)}, later with ${JSON.stringify(again)}`
  throw new SafetyViolation('a repeated command has its first result', text)
}
