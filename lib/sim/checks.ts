import type { Input } from '../core/inputs.js'
import { checkLogMatching, checkState, checkTransition } from '../core/invariants.js'
import type { CoreStatus, RaftCore } from '../core/raft-core.js'
import type { LogIndex, NodeId, Term } from '../core/types.js'
import { SafetyViolation } from './violation.js'

/** What the checks know of a machine beside its process: what its disk holds at this moment. */
export interface DurableMachine {
  readonly id: NodeId
  /** The entry, or a snapshot of a state that includes it, would survive a crash now. */
  holds(index: LogIndex, term: Term): boolean
  /** The term that would survive a crash now. */
  durableTerm(): Term
  /** Whether a vote for this candidate, or a later term, would survive a crash now. */
  hasVoted(term: Term, candidate: NodeId): boolean
}

interface Watched {
  readonly id: NodeId
  readonly core: RaftCore
  status: CoreStatus
  /** matchIndexes that were compared with the peers' disks. */
  readonly matches: Map<NodeId, LogIndex>
}

/**
 * The properties of Raft's Figure 3, monotonicity, and that nothing counts before it is durable, over
 * everything the cluster has shown so far. Each core is looked at after each of its steps.
 */
export class Checks {
  readonly #machines: readonly DurableMachine[]
  readonly #report: (violation: SafetyViolation) => void
  readonly #watched = new Map<NodeId, Watched>()
  readonly #leaderOf = new Map<Term, NodeId>()
  /** Term of each index that any core has committed. */
  readonly #committedTerm: Term[] = []
  elections = 0
  truncations = 0

  constructor(machines: readonly DurableMachine[], report: (violation: SafetyViolation) => void) {
    this.#machines = machines
    this.#report = report
  }

  get committed(): LogIndex {
    return this.#committedTerm.length - 1
  }

  /** A process has started on this node: every step of its core is followed from here on. */
  observe(id: NodeId, core: RaftCore): void {
    const watched: Watched = { id, core, status: core.status(), matches: new Map() }
    this.#watched.set(id, watched)
    this.#guarded(() => this.#checkRestart(watched))
    const step = core.step.bind(core)
    core.step = (now: number, input: Input) => {
      const effects = step(now, input)
      this.#guarded(() => this.#stepped(watched))
      return effects
    }
  }

  /** The process of this node is gone. */
  forget(id: NodeId): void {
    this.#watched.delete(id)
  }

  /** Log Matching over all pairs of logs; takes time in proportion to their length. */
  matchLogs(): void {
    const cores = [...this.#watched.values()].map(({ id, core }) => ({
      id,
      status: () => core.status(),
      termAt: (index: LogIndex) => core.termAt(index),
    }))
    this.#guarded(() => {
      cores.forEach((one, i) => {
        for (const other of cores.slice(i + 1)) checkLogMatching(one, other)
      })
    })
  }

  #guarded(check: () => void): void {
    try {
      check()
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      const known = error instanceof SafetyViolation
      this.#report(known ? error : new SafetyViolation('invariant', text))
    }
  }

  /** Raft Figure 2: the term is persistent state; a term that this node led was durable. */
  #checkRestart({ id, status }: Watched): void {
    for (const [led, leader] of this.#leaderOf) {
      if (leader !== id || led <= status.term) continue
      throw new SafetyViolation('durable term', `${id} led ${led} and restarted in ${status.term}`)
    }
    checkState(id, status)
  }

  #stepped(watched: Watched): void {
    const { id, core, status: before } = watched
    const after = core.status()
    watched.status = after
    checkState(id, after)
    checkTransition(id, before, after)
    if (after.lastLogIndex < before.lastLogIndex) this.truncations++
    if (after.role === 'leader' && before.role !== 'leader') this.#elected(watched)
    if (after.commitIndex > before.commitIndex) this.#committed(watched, before.commitIndex)
    if (after.role === 'leader') this.#checkMatches(watched)
  }

  /** S1, S5: what a leader believes of a follower is on that follower's disk, until a later term. */
  #checkMatches({ id, core, status, matches }: Watched): void {
    for (const [peer, index] of core.matchIndexes()) {
      if (index === 0 || matches.get(peer) === index) continue
      matches.set(peer, index)
      const machine = this.#machines.find((each) => each.id === peer)
      const term = core.termAt(index)
      if (machine === undefined || term === null || machine.durableTerm() > status.term) continue
      if (machine.holds(index, term)) continue
      const text = `${id} leads term ${status.term} and takes ${peer} to hold (${index}, ${term})`
      throw new SafetyViolation('truthful matches', text)
    }
  }

  /** Election safety, durable votes, leader completeness. */
  #elected({ id, core, status }: Watched): void {
    const { term, baseIndex, lastLogIndex } = status
    this.elections++
    const other = this.#leaderOf.get(term) ?? id
    if (other !== id) {
      throw new SafetyViolation('election safety', `${other} and ${id} both lead term ${term}`)
    }
    this.#leaderOf.set(term, id)
    this.#onQuorum('durable votes', `the votes that made ${id} lead term ${term}`, (machine) =>
      machine.hasVoted(term, id),
    )
    for (let index = baseIndex + 1; index <= this.committed; index++) {
      const expected = this.#committedTerm[index]
      if (expected === undefined || expected > term) continue
      if (index > lastLogIndex || core.termAt(index) !== expected) {
        throw new SafetyViolation(
          'leader completeness',
          `${id} leads term ${term} with term ${core.termAt(index)} at index ${index}, committed in term ${expected}`,
        )
      }
    }
    this.matchLogs()
  }

  /** One committed term for each index, and each committed entry on the disks of a quorum (S5). */
  #committed({ id, core, status }: Watched, from: LogIndex): void {
    const { commitIndex } = status
    for (let index = from + 1; index <= commitIndex; index++) {
      const term = core.termAt(index)
      if (term === null) continue
      const known = this.#committedTerm[index] ?? term
      if (known !== term) {
        throw new SafetyViolation(
          'state-machine safety',
          `${id} committed index ${index} in term ${term}, another node in term ${known}`,
        )
      }
      this.#committedTerm[index] = term
    }
    const term = this.#committedTerm[commitIndex]
    if (term === undefined) return
    if (status.role === 'leader' && term !== status.term) {
      const text = `${id} leads term ${status.term} and committed index ${commitIndex} of term ${term}`
      throw new SafetyViolation('commit by counting in the own term only', text)
    }
    const what = `index ${commitIndex} of term ${term}, committed by ${id},`
    this.#onQuorum('durable commit', what, (machine) => machine.holds(commitIndex, term))
  }

  #onQuorum(rule: string, what: string, holds: (machine: DurableMachine) => boolean): void {
    const count = this.#machines.filter(holds).length
    if (count > this.#machines.length / 2) return
    const of = `${count} of ${this.#machines.length} disks`
    throw new SafetyViolation(rule, `${what} would survive a crash of all machines on ${of}`)
  }
}
