import type { Input } from '../core/inputs.js'
import { checkLogMatching, checkState, checkTransition } from '../core/invariants.js'
import type { CoreStatus, RaftCore } from '../core/raft-core.js'
import type { IndexedConfiguration, LogIndex, NodeId, Term } from '../core/types.js'
import { checkReplies, lateCheck } from './late-check.js'
import { SafetyViolation } from './violation.js'
import { type LogEnd, VoteCheck } from './vote-check.js'
import { electorates, isQuorum, quorumsMeet } from './voters.js'

/** What the checks know of a machine beside its process: what its disk holds at this moment. */
export interface DurableMachine {
  readonly id: NodeId
  /** The entry, or a snapshot of a state that includes it, would survive a crash now. */
  holds(index: LogIndex, term: Term): boolean
  /** The term that would survive a crash now. */
  durableTerm(): Term
  /** Whether a vote for this candidate, or a later term, would survive a crash now. */
  hasVoted(term: Term, candidate: NodeId): boolean
  /** Of a last batch that a crash has torn, and that may have been acknowledged (S15); null: there is none. */
  damagedEnd(): LogEnd | null
}

interface Watched {
  readonly id: NodeId
  readonly core: RaftCore
  status: CoreStatus
  /** matchIndexes that were compared with the peers' disks. */
  readonly matches: Map<NodeId, LogIndex>
}

const COMPARED = [
  'role',
  'term',
  'leader',
  'commitIndex',
  'lastLogIndex',
  'lastLogTerm',
  'flushedIndex',
  'baseIndex',
  'snapshotIndex',
  'snapshotTerm',
  'configuration',
  'committedConfigurationIndex',
  'ready',
  'uncertain',
] as const satisfies readonly (keyof CoreStatus)[]

/**
 * The properties of Raft's Figure 3, monotonicity, and that nothing counts before it is durable, over
 * everything the cluster has shown so far. Each core is looked at after each of its steps.
 */
export class Checks {
  readonly #machines: readonly DurableMachine[]
  readonly #report: (violation: SafetyViolation) => void
  readonly #watched = new Map<NodeId, Watched>()
  readonly #leaderOf = new Map<Term, NodeId>()
  /** Term of each index that any leader has committed. */
  readonly #committedTerm: Term[] = []
  /** The term of that leader. */
  readonly #committedIn: Term[] = []
  /** Machines that were given new disks: what they acknowledged before cannot be found there. */
  readonly #wiped = new Set<NodeId>()
  readonly #lost = new Set<NodeId>()
  /** The newest term whose leader has committed anything. */
  newestCommittingTerm: Term = 0
  elections = 0
  truncations = 0
  /** Configurations that leaders have brought into force. */
  configurations = 0

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
    const machine = this.#machines.find((each) => each.id === id)
    const votes = new VoteCheck(id, () => machine?.damagedEnd() ?? null)
    const step = core.step.bind(core)
    core.step = (now: number, input: Input) => {
      const { status: before } = watched
      const late = lateCheck(id, core, before, input)
      const effects = step(now, input)
      this.#guarded(() => {
        this.#stepped(watched, input)
        late?.(watched.status)
        checkReplies(id, effects, watched.status)
        votes.stepped(before, input, effects, watched.status)
      })
      return effects
    }
  }

  /** Of the process that runs there. */
  coreOf(id: NodeId): RaftCore | undefined {
    return this.#watched.get(id)?.core
  }

  /** The process of this node is gone. */
  forget(id: NodeId): void {
    this.#watched.delete(id)
  }

  /** A disk lost what it held, on purpose: what was promised from there before still counts as promised. */
  lost(id: NodeId): void {
    this.#lost.add(id)
  }

  /** A new, empty disk. */
  wiped(id: NodeId): void {
    this.#lost.delete(id)
    this.#wiped.add(id)
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
      if (leader !== id || led <= status.term || this.#wiped.has(id)) continue
      if (this.#lost.has(id)) continue
      throw new SafetyViolation('durable term', `${id} led ${led} and restarted in ${status.term}`)
    }
    checkState(id, status)
  }

  #stepped(watched: Watched, input: Input): void {
    const { id, core, status: before } = watched
    const after = core.status()
    watched.status = after
    if (after.role === 'leader' && input.kind === 'matched') this.#checkMatches(watched)
    // Most steps are ticks and reads, and change nothing that is looked at here.
    if (!COMPARED.some((name) => before[name] !== after[name])) return
    checkState(id, after)
    checkTransition(id, before, after)
    if (after.lastLogIndex < before.lastLogIndex) this.truncations++
    if (after.configuration !== before.configuration) this.#reconfigured(watched)
    if (after.role === 'leader' && before.role !== 'leader') this.#elected(watched)
    if (after.commitIndex > before.commitIndex) this.#committed(watched, before)
  }

  /** S1, S5: what a leader believes of a follower is on that follower's disk, until a later term. */
  #checkMatches({ id, core, status, matches }: Watched): void {
    for (const [peer, index] of core.matchIndexes()) {
      if (index === 0 || matches.get(peer) === index) continue
      matches.set(peer, index)
      const machine = this.#machines.find((each) => each.id === peer)
      const term = core.termAt(index)
      if (machine === undefined || term === null || machine.durableTerm() > status.term) continue
      if (this.#wiped.has(peer) || this.#lost.has(peer)) continue
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
    const what = `the votes that made ${id} lead term ${term}`
    this.#onQuorum('durable votes', what, status, (machine) => machine.hasVoted(term, id))
    for (let index = baseIndex + 1; index <= this.committed; index++) {
      const expected = this.#committedTerm[index]
      // Raft §5.4: committed in an earlier term. Votes of a term may come in after the next has begun.
      if (expected === undefined || (this.#committedIn[index] ?? 0) >= term) continue
      if (index > lastLogIndex || core.termAt(index) !== expected) {
        throw new SafetyViolation(
          'leader completeness',
          `${id} leads term ${term} with term ${core.termAt(index)} at index ${index}, where term ${expected} was committed in term ${this.#committedIn[index]}`,
        )
      }
    }
    this.matchLogs()
  }

  /** One committed term for each index, a leader's before all others', on the disks of a quorum (S5). */
  #committed({ id, core, status }: Watched, before: CoreStatus): void {
    const { commitIndex } = status
    // Who commits its own removal leads no more after that step.
    const ledBefore = before.role === 'leader' && before.term === status.term
    const led = ledBefore || status.role === 'leader'
    for (let index = before.commitIndex + 1; index <= commitIndex; index++) {
      const term = core.termAt(index)
      if (term === null) continue
      const known = this.#committedTerm[index]
      if (known === undefined && !led) {
        const text = `${id} committed index ${index} of term ${term}, which no leader has`
        throw new SafetyViolation('leaders commit first', text)
      }
      if (known !== undefined && known !== term) {
        throw new SafetyViolation(
          'state-machine safety',
          `${id} committed index ${index} in term ${term}, another node in term ${known}`,
        )
      }
      this.#committedTerm[index] = term
      this.#committedIn[index] ??= status.term
    }
    if (led) this.#committedHere(id, core, status)
  }

  /**
   * S10: no lease read after another leader's commit. `newestTerm`: in which anybody had committed when the read
   * began. A node that has learned of a later term since may have answered in an earlier one: it says nothing.
   */
  leaseGiven(id: NodeId, newestTerm: Term): void {
    const term = this.#watched.get(id)?.status.term ?? newestTerm
    if (term >= newestTerm) return
    const text = `${id} in term ${term} read from its lease after a commit in term ${newestTerm}`
    throw new SafetyViolation("no lease read after another leader's commit", text)
  }

  #committedHere(id: NodeId, core: RaftCore, status: CoreStatus): void {
    const { commitIndex } = status
    this.newestCommittingTerm = Math.max(this.newestCommittingTerm, status.term)
    const term = this.#committedTerm[commitIndex]
    if (term === undefined) return
    if (term !== status.term) {
      const text = `${id} leads term ${status.term} and committed index ${commitIndex} of term ${term}`
      throw new SafetyViolation('commit by counting in the own term only', text)
    }
    const what = `index ${commitIndex} of term ${term}, committed by ${id},`
    // A step may commit and then append the next configuration: the one before was in force.
    const inForce = core
      .configurations()
      .filter(({ index }) => index <= commitIndex)
      .at(-1)
    const { configuration } = status
    this.#onQuorum('durable commit', what, status, (machine) => machine.holds(commitIndex, term), [
      configuration,
      ...(inForce === undefined ? [] : [inForce]),
    ])
  }

  /** S4: one change at a time, and no two configurations of which both could decide. */
  #reconfigured({ id, core, status }: Watched): void {
    const { commitIndex, role } = status
    const all = core.configurations()
    const [previous, latest] = all.slice(-2)
    if (role !== 'leader' || previous === undefined || latest === undefined) return
    this.configurations++
    if (all.filter(({ index }) => index > commitIndex).length > 1) {
      const text = `${id} leads with the configurations of ${previous.index} and ${latest.index} above commit index ${commitIndex}`
      throw new SafetyViolation('one configuration change at a time', text)
    }
    if (quorumsMeet(previous.configuration, latest.configuration)) return
    const text = `${id} goes from the configuration of ${previous.index} to that of ${latest.index}`
    throw new SafetyViolation('quorums of successive configurations meet', text)
  }

  /** By one of these configurations; by default the one in force. */
  #onQuorum(
    rule: string,
    what: string,
    { configuration }: CoreStatus,
    holds: (machine: DurableMachine) => boolean,
    configurations: readonly IndexedConfiguration[] = [configuration],
  ): void {
    const holders = new Set(this.#machines.filter(holds).map(({ id }) => id))
    const counts = (id: NodeId): boolean => holders.has(id) || this.#lost.has(id)
    if (configurations.some((each) => isQuorum(each.configuration, counts))) return
    const of = JSON.stringify(electorates(configuration.configuration))
    const text = `${what} would survive a crash of all machines on ${[...holders]} only, of ${of}`
    throw new SafetyViolation(rule, text)
  }
}
