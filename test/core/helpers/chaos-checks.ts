import { assert } from '../../../lib/core/assert.js'
import type { Effect } from '../../../lib/core/effects.js'
import { hasQuorum } from '../../../lib/core/quorum.js'
import type { LogIndex, NodeId, Term } from '../../../lib/core/types.js'
import type { Envelope } from './model-messages.js'
import type { ModelNode } from './model-node.js'
import type { Deed, Soup } from './soup.js'

/**
 * What no single core can see: that messages claim only what is on the sender's disk (S5), that promises of
 * silence are kept (S10), that reads are not older than they may be, and that state machines agree.
 */
export class ChaosChecks {
  readonly #soup: Soup
  /** When, by its receiver's clock, a heartbeat first arrived. */
  readonly #arrivals = new Map<string, number>()
  /** Until when, by its own clock, a node has promised silence. */
  readonly #promises = new Map<NodeId, number>()
  /** Elections that a leader asked for itself, as `candidate term`. */
  readonly #transfers = new Set<string>()
  /** What was committed anywhere when a read arrived, by its number. */
  readonly #reads = new Map<number, LogIndex>()
  readonly #leaseReads = new Set<number>()
  readonly #applied: (string | undefined)[] = []
  readonly #seen = new Map<NodeId, LogIndex>()
  readonly #leaders = new Set<Term>()
  readonly totals = {
    elections: 0,
    truncations: 0,
    installs: 0,
    reads: 0,
    transfers: 0,
    refusals: 0,
    changes: 0,
    joint: 0,
    removals: 0,
    restores: 0,
    restoresUndone: 0,
  }

  constructor(soup: Soup) {
    this.#soup = soup
  }

  check({ node, effects, sent }: Deed): void {
    for (const effect of effects) this.#checkEffect(node, effect)
    for (const envelope of sent) this.#checkMessage(node, envelope)
    this.#checkApplied(node)
  }

  arrives({ from, to, message }: Envelope): void {
    if (message.kind !== 'heartbeat') return
    const heartbeat = `${from} ${to} ${message.term} ${message.sentAt}`
    if (!this.#arrivals.has(heartbeat)) this.#arrivals.set(heartbeat, this.#soup.clock(to))
  }

  /** Gives a read its number. */
  readArrives(lease: boolean): number {
    const id = this.#reads.size + 1
    if (lease) this.#leaseReads.add(id)
    this.#reads.set(id, this.#soup.history.commitIndex)
    return id
  }

  started(node: ModelNode): void {
    this.#seen.set(node.id, 0)
  }

  #checkEffect(node: ModelNode, effect: Effect): void {
    const { totals } = this
    if (effect.kind === 'readReady') {
      totals.reads++
      const least = this.#reads.get(effect.id) ?? 0
      assert(effect.index >= least, 'a read is not older than its arrival (S10)', {
        node: node.id,
        id: effect.id,
        index: effect.index,
        committedAtArrival: least,
      })
      if (this.#leaseReads.has(effect.id)) this.#checkLease(node)
    } else if (effect.kind === 'roleChanged' && effect.role === 'leader') {
      assert(!this.#leaders.has(effect.term), 'one leader a term (§5.2)', { term: effect.term })
      this.#leaders.add(effect.term)
      totals.elections++
    } else if (effect.kind === 'append') {
      if (effect.batches.some(({ content }) => content.kind === 'held')) totals.refusals++
    } else if (effect.kind === 'truncate') totals.truncations++
    else if (effect.kind === 'restoreSnapshot') totals.installs++
    else if (effect.kind === 'holdApply') totals.restores++
    else if (effect.kind === 'restoreUndone') totals.restoresUndone++
    else if (effect.kind === 'timeoutNow') totals.transfers++
    else if (effect.kind === 'changeDone') totals.changes += effect.reason === null ? 1 : 0
    else if (effect.kind === 'removedFromCluster') totals.removals++
    else if (effect.kind === 'members') {
      totals.joint += effect.configuration.configuration.outgoing === undefined ? 0 : 1
    }
  }

  /** S10: while a leader reads by lease, a quorum, itself included, has promised to elect no other. */
  #checkLease(leader: ModelNode): void {
    const holds = (id: NodeId) =>
      id === leader.id || (this.#promises.get(id) ?? 0) > this.#soup.clock(id)
    const { configuration } = leader.core.status().configuration
    assert(hasQuorum(configuration, holds), 'a lease is backed by promises (S10)', {
      leader: leader.id,
      promised: [...this.#soup.nodes.keys()].filter(holds),
    })
  }

  #checkMessage(node: ModelNode, { to, message }: Envelope): void {
    const { disk, id } = node
    const now = this.#soup.clock(id)
    const { term, votedFor, promisedLeaseMs } = disk.hardState
    const onDisk = { node: id, diskTerm: term, diskVote: votedFor }
    switch (message.kind) {
      case 'requestVote':
        if (message.transfer) this.#transfers.add(`${id} ${message.term}`)
        else this.#checkSilence(node, now, 'campaigns')
        if (message.preVote) return
        assert(
          term === message.term && votedFor === id,
          'a vote is saved before others (S5)',
          onDisk,
        )
        return
      case 'voteReply': {
        if (!message.granted) return
        const asked = this.#transfers.has(`${to} ${message.term}`)
        if (!asked) this.#checkSilence(node, now, 'votes')
        const saved = message.preVote || (term === message.term && votedFor === to)
        assert(saved, 'a vote is saved before it is given (S5)', { ...onDisk, to })
        return
      }
      case 'appendReply':
        assert(term >= message.term, 'a term is saved before an answer in it (S5)', onDisk)
        if (message.success) this.#checkDurable(node, message.matchIndex)
        return
      case 'heartbeatReply': {
        assert(term >= message.term, 'a term is saved before an answer in it (S5)', onDisk)
        if (!message.accepted) return
        const { leaseMs, sentAt } = message
        assert(promisedLeaseMs >= leaseMs, 'a promise is saved before it is given (S10)', onDisk)
        // It counts from the heartbeat's arrival: the leader counts from its sending, which was earlier.
        const arrival = this.#arrivals.get(`${to} ${id} ${message.term} ${sentAt}`) ?? now
        this.#promises.set(id, Math.max(this.#promises.get(id) ?? 0, arrival + leaseMs))
      }
    }
  }

  #checkSilence(node: ModelNode, now: number, what: string): void {
    const until = this.#promises.get(node.id) ?? 0
    assert(now >= until, 'a promise of silence is kept (S10)', { node: node.id, what, now, until })
  }

  /** What is acknowledged is on disk as the log has it. */
  #checkDurable(node: ModelNode, matchIndex: LogIndex): void {
    const { disk, core } = node
    const { snapshotIndex } = core.status()
    const held = disk.snapshots.some(({ index }) => index === snapshotIndex)
    const covered = Math.max(disk.base.index, held ? snapshotIndex : 0)
    if (matchIndex <= covered) return
    const batch = disk.batches.find(
      (one) => one.firstIndex <= matchIndex && matchIndex <= one.lastIndex,
    )
    assert(
      batch !== undefined && batch.term === core.termAt(matchIndex),
      'entries are on disk before they are acknowledged (S5)',
      { node: node.id, matchIndex, onDisk: batch?.term ?? null, inLog: core.termAt(matchIndex) },
    )
  }

  /** Raft Figure 3, State Machine Safety, on what is really applied. */
  #checkApplied(node: ModelNode): void {
    const from = this.#seen.get(node.id) ?? 0
    for (let index = from + 1; index <= node.appliedIndex; index++) {
      const entry = node.applied[index]
      const known = this.#applied[index] ?? entry
      assert(entry !== undefined && entry === known, 'state machines apply the same (Figure 3)', {
        node: node.id,
        index,
        entry,
        known,
      })
      this.#applied[index] = entry
    }
    this.#seen.set(node.id, node.appliedIndex)
  }
}
