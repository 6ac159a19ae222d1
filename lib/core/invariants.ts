import { assert } from './assert.js'
import type { CoreStatus } from './raft-core.js'
import type { LogIndex, NodeId, Term } from './types.js'

/**
 * What must be true of one node at any moment, of two successive moments of it, and of a whole cluster.
 * Tests and the simulator check it after every step; a breach throws InvariantError with the numbers.
 */

/** True of any node at any moment. */
export function checkState(id: NodeId, status: CoreStatus): void {
  const { term, role, leader, commitIndex, lastLogIndex, baseIndex, flushedIndex } = status
  const at = { id, role, term, leader }
  const log = { id, baseIndex, commitIndex, lastLogIndex, flushedIndex }
  // A restored snapshot that is not committed yet: the log begins above what is (uncertain.ts).
  const certain = !status.uncertain
  assert(!certain || baseIndex <= commitIndex, 'only committed entries are compacted', log)
  assert(commitIndex <= lastLogIndex, 'only entries of the log are committed', log)
  assert(flushedIndex <= lastLogIndex, 'only entries of the log are durable', log)
  assert(baseIndex <= status.snapshotIndex, 'a snapshot covers what is compacted (S13)', {
    ...log,
    snapshotIndex: status.snapshotIndex,
  })
  const covered = !certain || status.snapshotIndex <= commitIndex
  assert(covered, 'a snapshot holds committed entries only', {
    ...log,
    snapshotIndex: status.snapshotIndex,
  })
  assert(status.lastLogTerm <= term, 'no entry is of a term later than the own one (S5)', {
    ...at,
    lastLogTerm: status.lastLogTerm,
  })
  assert((role === 'leader') === (leader === id), 'who leads is its own leader, and only then', at)
  const campaigning = role === 'candidate' || role === 'preCandidate'
  assert(!campaigning || leader === null, 'a candidate knows no leader', at)
  assert(!status.ready || role === 'leader', 'only a leader is ready to serve reads (S10)', at)
  checkConfigurations(id, status)
}

function checkConfigurations(id: NodeId, status: CoreStatus): void {
  const { configuration, committedConfigurationIndex: committed, commitIndex } = status
  const numbers = { id, latest: configuration.index, committed, commitIndex }
  assert(configuration.index <= status.lastLogIndex, 'the configuration is in the log', numbers)
  assert(committed <= configuration.index, 'no configuration is newer than the newest', numbers)
  assert(committed <= commitIndex, 'a committed configuration lies below the commit index', numbers)
}

/** True of one step of one node (Raft Figure 3: monotony, and Leader Append-Only). */
export function checkTransition(id: NodeId, before: CoreStatus, after: CoreStatus): void {
  // The log of a node whose restore came to nothing begins anew at an older place (uncertain.ts).
  const other =
    before.snapshotIndex !== after.snapshotIndex || before.snapshotTerm !== after.snapshotTerm
  const undone = before.uncertain && (other || !after.uncertain)
  const neverDecreasing = undone
    ? (['term'] as const)
    : (['term', 'commitIndex', 'baseIndex', 'snapshotIndex'] as const)
  for (const name of neverDecreasing) {
    assert(after[name] >= before[name], `${name} never decreases`, {
      id,
      before: before[name],
      after: after[name],
    })
  }
  const change = {
    id,
    term: [before.term, after.term],
    role: [before.role, after.role],
    leader: [before.leader, after.leader],
    lastLogIndex: [before.lastLogIndex, after.lastLogIndex],
  }
  const sameTerm = before.term === after.term
  if (after.role === 'leader' && before.role !== 'leader') {
    assert(sameTerm && before.role === 'candidate', 'only a candidate becomes leader', change)
  }
  if (!sameTerm) return
  if (before.role === 'leader') {
    assert(['leader', 'follower'].includes(after.role), 'a leader steps down or goes on', change)
    const kept = after.role !== 'leader' || after.lastLogIndex >= before.lastLogIndex
    assert(kept, 'a leader never cuts its log (Raft §5.3, Leader Append-Only)', change)
  }
  const sameLeader =
    before.leader === null || after.leader === null || before.leader === after.leader
  assert(sameLeader, 'a term has one leader (Raft §5.2)', change)
}

/** One node as a check of the whole cluster needs it. `RaftCore` gives both. */
export interface ObservedNode {
  readonly id: NodeId
  status(): CoreStatus
  /** Term of the entry at `index`, null when it is not in the log. */
  termAt(index: LogIndex): Term | null
}

/** Raft Figure 3, Log Matching: entries of the same index and term mean equal logs up to there. */
export function checkLogMatching(one: ObservedNode, other: ObservedNode): void {
  const from = Math.max(one.status().baseIndex, other.status().baseIndex)
  const last = Math.min(one.status().lastLogIndex, other.status().lastLogIndex)
  let matchesAbove: LogIndex | null = null
  for (let index = last; index >= from; index--) {
    const terms = [one.termAt(index), other.termAt(index)]
    if (terms[0] === terms[1]) matchesAbove ??= index
    assert(
      terms[0] === terms[1] || matchesAbove === null,
      'logs that agree at an entry agree below it (Raft Figure 3, Log Matching)',
      { nodes: [one.id, other.id], index, terms, agreeAt: matchesAbove },
    )
  }
}

/** What a cluster has done so far: the rules of Raft Figure 3 that span nodes and time. */
export class ClusterHistory {
  readonly #leaders = new Map<Term, NodeId>()
  /** Term of each entry known to be committed. */
  readonly #committed = new Map<LogIndex, Term>()
  #commitIndex: LogIndex = 0

  /** The highest index that any node has committed. */
  get commitIndex(): LogIndex {
    return this.#commitIndex
  }

  /** Call after each step of `node` with its status before it (null: it has just been started). */
  observe(node: ObservedNode, before: CoreStatus | null): void {
    const after = node.status()
    checkState(node.id, after)
    if (before !== null) checkTransition(node.id, before, after)
    if (after.leader !== null) this.#checkElectionSafety(node.id, after.term, after.leader)
    if (after.role === 'leader' && before?.role !== 'leader') this.#checkCompleteness(node)
    this.#checkCommitted(node, before?.commitIndex ?? after.baseIndex, after.commitIndex)
  }

  #checkElectionSafety(id: NodeId, term: Term, leader: NodeId): void {
    const known = this.#leaders.get(term) ?? leader
    assert(known === leader, 'a term has at most one leader (Raft Figure 3, Election Safety)', {
      term,
      leaders: [known, leader],
      seenBy: id,
    })
    this.#leaders.set(term, leader)
  }

  #checkCompleteness(node: ObservedNode): void {
    const { baseIndex, term } = node.status()
    for (let index = Math.max(baseIndex, 1); index <= this.#commitIndex; index++) {
      const committed = this.#committed.get(index)
      const held = node.termAt(index)
      assert(
        committed === undefined || held === committed,
        'a leader holds every committed entry (Raft Figure 3, Leader Completeness)',
        { id: node.id, term, index, held, committed },
      )
    }
  }

  #checkCommitted(node: ObservedNode, from: LogIndex, to: LogIndex): void {
    for (let index = Math.max(from + 1, node.status().baseIndex, 1); index <= to; index++) {
      const term = node.termAt(index)
      if (term === null) continue
      const committed = this.#committed.get(index) ?? term
      assert(
        committed === term,
        'no two nodes commit different entries at an index (Raft Figure 3, State Machine Safety)',
        { id: node.id, index, term, committed },
      )
      this.#committed.set(index, term)
    }
    this.#commitIndex = Math.max(this.#commitIndex, to)
  }
}
