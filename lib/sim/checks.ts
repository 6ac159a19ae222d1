import type { RaftCore } from '../core/raft-core.js'
import type { LogIndex, NodeId, Term } from '../core/types.js'

/** A rule of Raft that a run has broken, with the numbers. */
export class SafetyViolation extends Error {
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.name = 'SafetyViolation'
    this.rule = rule
  }
}

interface Watched {
  readonly core: RaftCore
  term: Term
  commitIndex: LogIndex
  leadsTerm: Term
}

/**
 * The safety properties of Raft's Figure 3, and monotonicity, over everything the cluster has shown so
 * far. `afterStep` looks at the cores; `applied` at what state machines were given.
 */
export class Checks {
  readonly #cores = new Map<NodeId, Watched>()
  readonly #leaderOf = new Map<Term, NodeId>()
  /** Term and command of each index that any replica has applied or any core has committed. */
  readonly #committedTerm: Term[] = []
  readonly #command = new Map<LogIndex, string>()
  readonly #appliedBy = new Map<NodeId, LogIndex>()
  readonly #acknowledged = new Map<string, LogIndex>()
  elections = 0

  /** A process has started on this node. */
  observe(node: NodeId, core: RaftCore): void {
    const { term, commitIndex } = core.status()
    // Raft Figure 2: the term is persistent state; a term that this node led was durable.
    for (const [led, leader] of this.#leaderOf) {
      if (leader !== node || led <= term) continue
      throw new SafetyViolation('durable term', `${node} led term ${led} and restarted in ${term}`)
    }
    this.#cores.set(node, { core, term, commitIndex, leadsTerm: 0 })
    this.#appliedBy.delete(node)
  }

  /** The process of this node is gone. */
  forget(node: NodeId): void {
    this.#cores.delete(node)
  }

  get committed(): LogIndex {
    return this.#committedTerm.length - 1
  }

  get acknowledged(): ReadonlyMap<string, LogIndex> {
    return this.#acknowledged
  }

  afterStep(): void {
    for (const [node, watched] of this.#cores) this.#check(node, watched)
  }

  #check(node: NodeId, watched: Watched): void {
    const status = watched.core.status()
    if (status.term < watched.term || status.commitIndex < watched.commitIndex) {
      throw new SafetyViolation(
        'monotonic term and commit index',
        `${node} went from term ${watched.term}, commit ${watched.commitIndex} to ${status.term}, ${status.commitIndex}`,
      )
    }
    watched.term = status.term
    if (status.commitIndex > watched.commitIndex) {
      this.#committed(node, watched.core, watched.commitIndex + 1, status.commitIndex)
      watched.commitIndex = status.commitIndex
    }
    if (status.role === 'leader' && watched.leadsTerm !== status.term) {
      watched.leadsTerm = status.term
      this.#elected(node, watched.core, status.term)
    }
  }

  /** Election safety, leader completeness. */
  #elected(node: NodeId, core: RaftCore, term: Term): void {
    this.elections++
    const other = this.#leaderOf.get(term)
    if (other !== undefined && other !== node) {
      throw new SafetyViolation('election safety', `${other} and ${node} both lead term ${term}`)
    }
    this.#leaderOf.set(term, node)
    const { baseIndex, lastLogIndex } = core.status()
    for (let index = baseIndex + 1; index <= this.committed; index++) {
      const expected = this.#committedTerm[index]
      if (expected === undefined || expected > term) continue
      if (index > lastLogIndex || core.termAt(index) !== expected) {
        throw new SafetyViolation(
          'leader completeness',
          `${node} leads term ${term} with term ${core.termAt(index)} at index ${index}, committed in term ${expected}`,
        )
      }
    }
  }

  /** Log matching and state-machine safety at the level of terms: one committed term for each index. */
  #committed(node: NodeId, core: RaftCore, from: LogIndex, to: LogIndex): void {
    for (let index = from; index <= to; index++) {
      const term = core.termAt(index)
      if (term === null) continue
      const known = this.#committedTerm[index]
      if (known !== undefined && known !== term) {
        throw new SafetyViolation(
          'log matching',
          `${node} committed index ${index} in term ${term}, another node in term ${known}`,
        )
      }
      this.#committedTerm[index] = term
    }
  }

  /** State-machine safety: one command for each index, without gap, on every replica. */
  applied(node: NodeId, index: LogIndex, term: Term, command: string): void {
    const known = this.#command.get(index)
    if (known !== undefined && known !== command) {
      throw new SafetyViolation(
        'state-machine safety',
        `${node} applied ${command} at index ${index} of term ${term}, another node ${known}`,
      )
    }
    this.#command.set(index, command)
    const last = this.#appliedBy.get(node) ?? 0
    if (index <= last) {
      throw new SafetyViolation('monotonic apply', `${node} applied index ${index} after ${last}`)
    }
    this.#appliedBy.set(node, index)
  }

  /** What a client was told stays true. */
  acknowledge(node: NodeId, command: string, index: LogIndex): void {
    const known = this.#command.get(index)
    if (known !== command) {
      throw new SafetyViolation(
        'acknowledged commands are applied',
        `${node} acknowledged ${command} at index ${index}, where ${known ?? 'nothing'} was applied`,
      )
    }
    this.#acknowledged.set(command, index)
  }

  /** A command that was certainly refused must never have been applied (S17). */
  refused(node: NodeId, command: string): void {
    for (const [index, known] of this.#command) {
      if (known !== command) continue
      throw new SafetyViolation(
        'rejected commands are not applied',
        `${node} rejected ${command}, which was applied at index ${index}`,
      )
    }
  }
}
