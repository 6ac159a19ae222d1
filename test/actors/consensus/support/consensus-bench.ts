import { ConsensusActor } from '../../../../actors/consensus/consensus-actor.js'
import type { ConsensusInit } from '../../../../actors/consensus/consensus-init.js'
import {
  allocateControlBlock,
  ControlBlockReader,
} from '../../../../actors/consensus/control-block.js'
import { allocateLeaderBoard } from '../../../../actors/consensus/leader-board.js'
import type { ConsensusMessage, NodeReply } from '../../../../actors/consensus/protocol.js'
import type { FsmMessage } from '../../../../actors/fsm/protocol.js'
import type { InboundMessage } from '../../../../actors/inbound/protocol.js'
import type { LogMessage } from '../../../../actors/log/protocol.js'
import type { ReplicatorMessage } from '../../../../actors/replicator/protocol.js'
import type { SnapshotMessage } from '../../../../actors/snapshot/protocol.js'
import type { RaftCore } from '../../../../lib/core/raft-core.js'
import type { AppendEntries } from '../../../../lib/core/rpc.js'
import type { LogSummary, Server } from '../../../../lib/core/types.js'
import { BatchBuilder, type BatchRef, ENTRY_COMMAND, sealBatch } from '../../../../lib/log/batch.js'
import {
  Arena,
  PIN_CONSENSUS,
  PIN_FIRST_REPLICATOR,
  PIN_FSM,
  PIN_LOG,
  unpin,
} from '../../../../lib/log/slab.js'
import { SharedWords } from '../../../../lib/runtime/shared-words.js'
import { ManualContext } from '../../../transport/support/manual-context.js'
import { Recorder } from './recorder.js'

export const INCARNATION = 'inc-1'

const core = {
  heartbeatTimeoutMs: 1000,
  electionTimeoutMs: 1000,
  leaderLeaseTimeoutMs: 500,
  leaderStallTimeoutMs: 5000,
  maxClockDrift: 0.1,
  preVote: false,
  trailingLogs: 100,
  removeGraceMs: 5000,
  maxUncommittedBytes: 1 << 20,
}

/** A node n1 among so many voters whose log holds the bootstrap entry. */
export function initOf(voters: number, change: Partial<ConsensusInit> = {}): ConsensusInit {
  const servers: Server[] = Array.from({ length: voters }, (_, i) => ({
    id: `n${i + 1}`,
    address: `n${i + 1}:1`,
    suffrage: 'voter',
    addedAt: 1,
  }))
  const configurations = [{ index: 1, configuration: { servers } }]
  return {
    nodeId: 'n1',
    incarnation: INCARNATION,
    core,
    snapshots: {
      snapshotIntervalMs: 1e9,
      snapshotThreshold: 1e9,
      maxInstallLogBytes: 1000,
      snapshotChunkBytes: 1000,
    },
    tailMaxBytes: 1 << 20,
    maxApplyBytes: 1 << 20,
    maxApplyLagBytes: 1 << 20,
    applyStallTimeoutMs: 10_000,
    maxReadBytes: 1 << 20,
    tickMs: 50,
    hardState: { term: 1, votedFor: null, promisedLeaseMs: 0 },
    log: logOf(1, { configurations }),
    lastTime: 0,
    snapshot: null,
    restoreSnapshotOnStart: true,
    incarnations: Object.fromEntries(
      servers.map(({ id }) => [id, { incarnation: `inc-${id.slice(1)}`, addedAt: 1 }]),
    ),
    mayVote: true,
    flushedOnly: false,
    controlBlock: allocateControlBlock(),
    leaderBoard: allocateLeaderBoard(),
    ...change,
  }
}

/** Entries 1 to `lastIndex` of term 1, all in the store. */
export function logOf(lastIndex: number, change: Partial<LogSummary> = {}): LogSummary {
  const { configurations } = change.configurations ? change : initOf(3).log
  const termRuns = lastIndex === 0 ? [] : [{ firstIndex: 1, term: 1 }]
  const lastTerm = lastIndex === 0 ? 0 : 1
  const known = configurations ?? []
  return {
    firstIndex: 1,
    lastIndex,
    lastTerm,
    prevTerm: 0,
    termRuns,
    configurations: known,
    ...change,
  }
}

/** A consensus actor whose time and whose troupe are in the hands of the test. */
export class ConsensusBench {
  readonly context = new ManualContext('consensus')
  readonly log = new Recorder<LogMessage>('log')
  readonly fsm = new Recorder<FsmMessage>('fsm')
  readonly snapshot = new Recorder<SnapshotMessage>('snapshot')
  readonly inbound = new Recorder<InboundMessage>('inbound')
  readonly node = new Recorder<NodeReply>('node')
  readonly arena = new Arena({ slabBytes: 1 << 16, maxIdleSlabs: 2 })
  readonly actor: ConsensusActor
  /** The inbound actor's side of the control block (S9). */
  readonly fastPath: ControlBlockReader
  core: RaftCore | null = null
  #proposal = 0

  constructor(init: ConsensusInit) {
    this.fastPath = new ControlBlockReader(new SharedWords(init.controlBlock))
    const observeCore = (made: RaftCore) => {
      this.core = made
    }
    this.actor = new ConsensusActor({ ...init, observeCore }, this.context)
    this.context.beforeTurn = () => this.actor.beforeTurn()
    this.context.afterTurn = () => this.actor.afterTurn()
    this.context.turn(() => {
      for (const link of [this.log, this.snapshot, this.fsm, this.inbound, this.node]) {
        this.actor.linked(link.name, link)
      }
    })
  }

  /** The only voter; its state machine holds entry 1. */
  static alone(change: Partial<ConsensusInit> = {}): ConsensusBench {
    const bench = new ConsensusBench(initOf(1, change))
    bench.tell({ kind: 'fsmReady', life: 1, lastApplied: 1 })
    return bench
  }

  /** The only voter, leading, with everything flushed and applied. */
  static leadingAlone(change: Partial<ConsensusInit> = {}): ConsensusBench {
    const bench = ConsensusBench.alone(change)
    bench.pass(2000)
    bench.flush()
    bench.flush()
    bench.apply()
    bench.node.takeAll()
    return bench
  }

  /** Leads two others, whose replicators run; nothing of its term is committed. */
  static leading(change: Partial<ConsensusInit> = {}): ConsensusBench {
    const bench = new ConsensusBench(initOf(3, change))
    bench.tell({ kind: 'fsmReady', life: 1, lastApplied: 1 })
    bench.startReplicator('n2')
    bench.startReplicator('n3')
    bench.pass(2000)
    bench.flush()
    bench.vote()
    bench.node.takeAll()
    return bench
  }

  readonly replicators = new Map<string, Recorder<ReplicatorMessage>>()

  startReplicator(peer: string, pinSlot = this.slotOf(peer)): Recorder<ReplicatorMessage> {
    const replicator = new Recorder<ReplicatorMessage>(`replicator-${peer}`)
    this.replicators.set(peer, replicator)
    this.context.turn(() => this.actor.linked(replicator.name, replicator))
    this.tell({ kind: 'replicatorStarted', peer, pinSlot })
    return replicator
  }

  replicator(peer: string): Recorder<ReplicatorMessage> {
    return present(this.replicators.get(peer))
  }

  slotOf(peer: string): number {
    return PIN_FIRST_REPLICATOR + Number(peer.slice(1))
  }

  get term(): number {
    return this.status.term
  }

  get status() {
    return present(this.core).status()
  }

  /** One turn with these messages. */
  tell(...messages: readonly ConsensusMessage[]): void {
    this.context.turn(() => {
      for (const message of messages) this.actor.receive(message)
    })
  }

  /** Time passes in steps that are shorter than a tick. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 25) this.context.advance(Math.min(25, left))
  }

  /** n2 grants what it was asked for. */
  vote(from = 'n2'): void {
    for (const { request } of this.replicator(from).take('requestVote')) {
      const { term, preVote, round } = request
      const reply = {
        kind: 'voteReply',
        preVote,
        term,
        granted: true,
        round,
        reason: '',
        outsideSince: 0,
      } as const
      this.tell({ kind: 'voteReply', peer: from, reply })
    }
  }

  /** The log actor makes everything that it was told durable and says so. */
  flush(): void {
    for (const { seq } of this.log.take('saveHardState')) this.tell({ kind: 'hardStateSaved', seq })
    let last = 0
    for (const message of this.log.takeAll()) {
      if (message.kind === 'append') for (const ref of message.batches) unpin(ref, PIN_LOG)
      if ('seq' in message && message.kind !== 'saveIncarnations') last = message.seq
    }
    if (last > 0) this.tell({ kind: 'logFlushed', seq: last })
  }

  /** The state machine applies what it was told; every command's result is its index. */
  apply(): void {
    for (const { fromIndex, toIndex, batches, resultsFrom } of this.fsm.take('apply')) {
      for (const ref of batches) unpin(ref, PIN_FSM)
      const firstIndex = Math.max(resultsFrom ?? fromIndex, fromIndex)
      const values = Array.from({ length: toIndex - firstIndex + 1 }, (_, i) => firstIndex + i)
      const results = resultsFrom === null ? null : { firstIndex, values, errors: [] }
      this.tell({ kind: 'applied', life: 1, toIndex, results })
    }
  }

  propose(count = 1, bytes = 10): number {
    const proposal = ++this.#proposal
    this.tell({ kind: 'propose', proposal, batch: this.body(count, bytes) })
    return proposal
  }

  /** A finished body, as the program's side makes it. */
  body(count = 1, bytes = 10): BatchRef {
    const builder = new BatchBuilder(this.arena)
    for (let i = 0; i < count; i++) builder.add(ENTRY_COMMAND, new Uint8Array(bytes))
    return builder.finish()
  }

  /** A batch as the inbound actor hands it over. */
  batch(firstIndex: number, term: number, options: { prevTerm?: number; count?: number } = {}) {
    const { prevTerm = term, count = 1 } = options
    return sealBatch(this.body(count), { firstIndex, term, prevTerm, time: 1 })
  }

  /** n2 leads and sends these. */
  append(fields: Partial<AppendEntries>, batches: readonly BatchRef[] = [], connection = 1): void {
    const spans = batches.map(({ firstIndex, count, term }) => ({
      firstIndex,
      lastIndex: firstIndex + count - 1,
      term,
    }))
    const session = { leader: 'n2', addedAt: 1, incarnation: INCARNATION, request: 1 }
    const first = batches[0]
    const prev = {
      prevLogIndex: (first?.firstIndex ?? 2) - 1,
      prevLogTerm: first?.prevTerm ?? 1,
    }
    const head = { kind: 'appendEntries', term: 2, leaderCommit: 0 } as const
    const request: AppendEntries = { ...head, ...session, ...prev, batches: spans, ...fields }
    this.tell({ kind: 'rpcAppendEntries', connection, request, batches })
  }

  /** The peer's replicator says how far it is known to match. */
  matched(peer: string, matchIndex: number): void {
    const session = { term: this.term, addedAt: 1, incarnation: `inc-${peer.slice(1)}` }
    this.tell({ kind: 'matched', peer, session, matchIndex })
  }

  /** The actor of that name is gone. */
  unlink(name: string): void {
    this.context.turn(() => this.actor.unlinked(name))
  }

  link(name: string, ref: Recorder<FsmMessage> | Recorder<InboundMessage>): void {
    this.context.turn(() => this.actor.linked(name, ref))
  }
}

/** Pins on the batch's slab, by reader. */
export function pinsOf(ref: BatchRef): {
  readonly consensus: number
  readonly log: number
  readonly fsm: number
  readonly replicators: number
} {
  const words = new Int32Array(ref.memory, 0, 32)
  const at = (slot: number): number => Atomics.load(words, slot)
  let replicators = 0
  for (let slot = PIN_FIRST_REPLICATOR; slot < 32; slot++) replicators += at(slot)
  return { consensus: at(PIN_CONSENSUS), log: at(PIN_LOG), fsm: at(PIN_FSM), replicators }
}

export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the test expected it to be there')
  return value
}
