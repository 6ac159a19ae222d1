import { assert } from '../../../lib/core/assert.js'
import type { CoreConfig } from '../../../lib/core/core-state.js'
import type { AppendedBatch, ControlBlock, Effect } from '../../../lib/core/effects.js'
import type { Input } from '../../../lib/core/inputs.js'
import { RaftCore } from '../../../lib/core/raft-core.js'
import type { Heartbeat } from '../../../lib/core/rpc.js'
import type { LogIndex, NodeId } from '../../../lib/core/types.js'
import { incarnationOf } from './cores.js'
import { type Applied, type ModelBatch, ModelDisk, type ModelSnapshot } from './model-disk.js'
import type { Envelope, Message } from './model-messages.js'
import { ModelReplicator } from './model-replicator.js'

type AppendEffect = Extract<Effect, { kind: 'append' }>

/** The least that hosts a core: a disk, a tail, a state machine, and messages to be carried. */
export class ModelNode {
  readonly id: NodeId
  readonly disk = new ModelDisk()
  readonly #names: readonly NodeId[]
  readonly #config: CoreConfig
  readonly #random: () => number
  core: RaftCore
  replicator: ModelReplicator
  running = true
  #held = false
  #restoring: Extract<Effect, { kind: 'restoreReady' }> | null = null
  /** The log in memory, flushed or not, above the disk's base at start or the last reset. */
  tail: readonly ModelBatch[] = []
  base = this.disk.base
  applied: Applied = []
  appliedIndex: LogIndex = 0
  outbox: Envelope[] = []
  /** How many batches an AppendEntries takes. */
  batchLimit: () => number = () => Number.POSITIVE_INFINITY
  /** Heartbeats that the control block allows are answered without the core (S9). */
  fastPath = false
  #block: ControlBlock | null = null
  #contact: number | null = null
  #probe = 0
  /** Texts of proposals by token, bytes of a request, a snapshot on its way in. */
  readonly #proposed = new Map<number, string>()
  #received: readonly ModelBatch[] = []
  #incoming: ModelSnapshot | null = null

  /** `names` are all nodes of the story: a connection's number is its peer's place in them. */
  constructor(id: NodeId, names: readonly NodeId[], config: CoreConfig, random: () => number) {
    this.id = id
    this.#names = names
    this.#config = config
    this.#random = random
    this.core = this.#boot(0)
    this.replicator = this.#newReplicator()
  }

  /** Begins anew from what the disk holds. */
  start(now: number): readonly Effect[] {
    const { disk } = this
    this.running = true
    this.tail = disk.batches
    this.base = disk.base
    disk.removeUndone()
    const known = disk.snapshot?.restored === true ? null : disk.snapshot
    this.applied = known?.applied ?? []
    this.appliedIndex = known?.index ?? 0
    this.#held = disk.snapshot?.restored === true
    this.#restoring = null
    this.outbox = []
    this.#block = null
    this.#contact = null
    this.core = this.#boot(now)
    this.replicator = this.#newReplicator()
    const effects = this.core.start()
    for (const effect of effects) this.#run(effect)
    return effects
  }

  crash(): void {
    this.running = false
    this.disk.crash()
    this.outbox = []
  }

  step(now: number, input: Input): readonly Effect[] {
    // S9: what the fast path heard comes before anything that may vote, campaign or change the term.
    if (this.#contact !== null) this.core.step(now, { kind: 'contact', at: this.#contact })
    const effects = this.core.step(now, input)
    for (const effect of effects) this.#run(effect)
    return effects
  }

  propose(now: number, text: string, count: number): readonly Effect[] {
    const token = this.#proposed.size + 1
    this.#proposed.set(token, text)
    return this.step(now, { kind: 'propose', token, count, bytes: 1 })
  }

  proposal(token: number): string {
    return this.#proposed.get(token) ?? ''
  }

  /** Heartbeats to everyone it leads, with the newest probe. */
  heartbeat(now: number): void {
    for (const to of this.replicator.peers) {
      const session = this.replicator.session(to)
      if (session === null) continue
      const stamp = { probe: this.#probe, sentAt: now, leaseMs: this.#config.leaderLeaseTimeoutMs }
      this.#send(to, { kind: 'heartbeat', leader: this.id, ...session, ...stamp })
    }
  }

  /** The first step of a user's restore. */
  restoreBegin(now: number, index: LogIndex): readonly Effect[] {
    const begun = this.step(now, { kind: 'restoreBegin', id: 1, index })
    this.#restoring = begun.find((effect) => effect.kind === 'restoreReady') ?? this.#restoring
    return begun
  }

  /** The snapshot is durable at its place: what is applied here, and a text that stands for the rest. */
  restoreSaved(text: string): boolean {
    const ready = this.#restoring
    const { role, term: current } = this.core.status()
    if (ready === null || role !== 'leader' || ready.term !== current) return false
    const { index, term, configuration } = ready
    const applied = [...this.applied]
    for (let at = this.appliedIndex + 1; at <= index; at++) applied[at] = text
    this.disk.saveSnapshot({ index, term, configuration, applied, restored: true })
    return true
  }

  /** The second step. */
  restoreCommit(now: number): readonly Effect[] {
    const ready = this.#restoring
    this.#restoring = null
    if (ready === null) return []
    const { index, term } = ready
    return this.step(now, { kind: 'restoreCommit', id: 1, index, term })
  }

  /** Takes a snapshot at `index`, applied and flushed (S14). */
  snapshot(now: number, index: LogIndex): readonly Effect[] {
    const term = this.core.termAt(index)
    const configuration = this.core.configurations().findLast((entry) => entry.index <= index)
    assert(term !== null && configuration !== undefined, 'the index is held', { index })
    const applied = this.applied.slice(0, index + 1)
    this.disk.saveSnapshot({ index, term, configuration, applied })
    return this.step(now, { kind: 'snapshotSaved', index, term })
  }

  /** What becomes of a message that arrives. */
  receive(now: number, { from, message }: Envelope): readonly Effect[] {
    const connection = this.#names.indexOf(from)
    switch (message.kind) {
      case 'requestVote':
        return this.step(now, { kind: 'requestVote', connection, request: message })
      case 'voteReply':
        return this.step(now, { kind: 'voteReply', from, reply: message })
      case 'append':
        return this.#receiveEntries(now, connection, message)
      case 'appendReply':
        return this.#steps(now, this.replicator.onAppendReply(from, message))
      case 'heartbeat':
        if (this.fastPath && this.#answersFast(now, from, message)) return []
        return this.step(now, { kind: 'heartbeat', connection, request: message })
      case 'heartbeatReply': {
        const { accepted, term, probe, sentAt, leaseMs } = message
        if (!accepted) return this.step(now, { kind: 'higherTerm', peer: from, term })
        const session = this.replicator.session(from)
        if (session?.term !== term) return []
        const echo = { probe, sentAt, leaseMs, receivedAt: now }
        return this.step(now, { kind: 'heartbeatAck', peer: from, session, ...echo })
      }
      case 'timeoutNow':
        return this.step(now, { kind: 'timeoutNow', request: message })
      case 'removed':
        return this.step(now, { kind: 'removed', request: message })
      case 'snapshot':
        return this.#receiveSnapshot(now, from, message)
      case 'snapshotReply':
        if (message.installed) this.replicator.onInstalled(from, message.index)
        return this.step(now, { kind: 'higherTerm', peer: from, term: message.term })
    }
  }

  #answersFast(now: number, from: NodeId, heartbeat: Heartbeat): boolean {
    const { term, leader, addedAt, probe, sentAt, leaseMs } = heartbeat
    const block = this.#block
    if (block === null || block.term !== term || block.leader !== leader) return false
    if (block.addedAt !== addedAt || leaseMs > block.leaseMs) return false
    this.#contact = now
    const echo = { term, probe, sentAt, leaseMs }
    this.#send(from, { kind: 'heartbeatReply', accepted: true, ...echo })
    return true
  }

  #receiveEntries(
    now: number,
    connection: number,
    { request, batches }: Extract<Message, { kind: 'append' }>,
  ): readonly Effect[] {
    this.#received = batches
    const configurations = batches.flatMap(({ configuration }, position) =>
      configuration === null ? [] : [{ position, configuration }],
    )
    return this.step(now, { kind: 'appendEntries', connection, token: 0, request, configurations })
  }

  #receiveSnapshot(
    now: number,
    from: NodeId,
    { term: leaderTerm, leader, snapshot }: Extract<Message, { kind: 'snapshot' }>,
  ): readonly Effect[] {
    const { index, term, configuration, restored } = snapshot
    this.#incoming = snapshot
    const mark = restored === true ? { restored } : {}
    const meta = { leaderTerm, leader, index, term, configuration, ...mark }
    const effects = this.step(now, { kind: 'snapshotReceived', ...meta })
    const status = this.core.status()
    const taken = status.snapshotIndex === index && status.snapshotTerm === term
    if (taken) this.disk.saveSnapshot(snapshot)
    const installed = status.commitIndex >= index || status.baseIndex >= index
    this.#send(from, { kind: 'snapshotReply', term: status.term, index, installed })
    return effects
  }

  #steps(now: number, inputs: readonly Input[]): readonly Effect[] {
    return inputs.flatMap((input) => this.step(now, input))
  }

  #run(effect: Effect): void {
    const { disk, replicator } = this
    switch (effect.kind) {
      case 'saveHardState':
        return disk.saveHardState(effect.seq, effect.hardState)
      case 'append':
        return this.#append(effect)
      case 'truncate':
        if (!effect.again) this.tail = this.tail.filter((b) => b.firstIndex < effect.fromIndex)
        return disk.issue(effect)
      case 'resetLog':
        if (!effect.again) this.tail = []
        this.base = { index: effect.index, term: effect.term }
        return disk.issue({ ...effect, kind: 'reset' })
      case 'compact':
        return disk.issue(effect)
      case 'commit':
        return this.#apply(effect.index)
      case 'restoreSnapshot':
        return this.#take(effect)
      case 'holdApply':
        this.#held = true
        return
      case 'restoreUndone':
        this.#held = false
        if (effect.index > this.appliedIndex) this.#take(effect)
        return
      case 'discardSnapshot':
        return disk.discard(effect)
      case 'replyVote':
      case 'replyAppend':
      case 'replyHeartbeat':
        return this.#send(this.#names[effect.connection] ?? '', effect.reply)
      case 'requestVotes':
        for (const peer of effect.peers) this.#send(peer, effect.request)
        return
      case 'lead':
        return replicator.lead(effect.peer, effect.term, effect.incarnation, effect.lastIndex)
      case 'unlead':
        return replicator.unlead(effect.peer)
      case 'tellRemoved': {
        const { peer, term, index } = effect
        return this.#send(peer, { kind: 'removed', term, leader: this.id, index })
      }
      case 'probe':
        this.#probe = effect.probe
        return
      case 'controlBlock':
        this.#block = effect.block
        return
      case 'timeoutNow':
        return this.#send(effect.peer, {
          kind: 'timeoutNow',
          term: effect.term,
          leader: this.id,
        })
      default:
      // What the node's user and its observers are told.
    }
  }

  #append(effect: AppendEffect): void {
    const batches = effect.batches.map((batch) => this.#contentOf(batch))
    const held = effect.batches.every(({ content }) => content.kind === 'held')
    if (!held) this.tail = [...this.tail, ...batches]
    this.disk.issue({ kind: 'append', seq: effect.seq, batches })
    this.replicator.pump()
  }

  #contentOf({ content, firstIndex, lastIndex, term, prevTerm }: AppendedBatch): ModelBatch {
    const span = { firstIndex, lastIndex, term, prevTerm, configuration: null }
    switch (content.kind) {
      case 'proposed':
        return { ...span, value: this.proposal(content.token) }
      case 'received':
      case 'held': {
        const from = content.kind === 'held' ? this.tail : this.#received
        const found = from.find((batch) => batch.firstIndex === firstIndex)
        assert(found !== undefined, 'a batch has its content', { firstIndex, ...content })
        return found
      }
      case 'configuration':
        return { ...span, value: 'configuration', configuration: content.configuration }
      default:
        return { ...span, value: content.kind }
    }
  }

  #take({ index, term }: { readonly index: LogIndex; readonly term: number }): void {
    const known = [...this.disk.snapshots, ...(this.#incoming === null ? [] : [this.#incoming])]
    const found = known.find((one) => one.index === index && one.term === term)
    assert(found !== undefined, 'what is restored is on the disk', { index, term })
    this.disk.prune(found)
    this.applied = found.applied
    this.appliedIndex = index
    this.#held = false
    this.#apply(this.core.status().commitIndex)
  }

  #apply(to: LogIndex): void {
    if (this.#held || to <= this.appliedIndex) return
    const applied = [...this.applied]
    for (const { firstIndex, lastIndex, term, value } of this.tail) {
      for (let index = Math.max(firstIndex, this.appliedIndex + 1); index <= lastIndex; index++) {
        if (index <= to) applied[index] = `${term} ${value}`
      }
    }
    this.applied = applied
    this.appliedIndex = to
  }

  #send(to: NodeId, message: Message): void {
    this.outbox.push({ from: this.id, to, message })
  }

  #newReplicator(): ModelReplicator {
    const log = () => ({
      batches: this.tail.filter((batch) => batch.lastIndex > this.core.status().baseIndex),
      base: this.#leaderBase(),
      commitIndex: this.core.status().commitIndex,
      snapshot: this.disk.snapshot ?? this.#captured(),
    })
    const send = (to: NodeId, message: Message) => this.#send(to, message)
    return new ModelReplicator(this.id, log, send, () => this.batchLimit())
  }

  /** Nothing to send makes a leader take a snapshot of what it has applied. */
  #captured(): ModelSnapshot | null {
    const index = this.appliedIndex
    const term = this.core.termAt(index)
    const configuration = this.core.configurations().findLast((entry) => entry.index <= index)
    if (term === null || configuration === undefined || index === 0) return null
    return { index, term, configuration, applied: this.applied.slice(0, index + 1) }
  }

  #leaderBase() {
    const { baseIndex: index } = this.core.status()
    return { index, term: this.core.termAt(index) ?? 0 }
  }

  #boot(now: number): RaftCore {
    const { hardState, snapshot } = this.disk
    return new RaftCore({
      id: this.id,
      incarnation: incarnationOf(this.id),
      config: this.#config,
      now,
      random: this.#random,
      hardState,
      log: this.disk.summary(),
      snapshot,
      incarnations: Object.fromEntries(this.#names.map((name) => [name, incarnationOf(name)])),
      mayVote: true,
    })
  }
}
