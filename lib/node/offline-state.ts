import { createActor as createFsm } from '../../actors/fsm/fsm-actor.js'
import type { FsmMessage, FsmReply, LastApplied } from '../../actors/fsm/protocol.js'
import type { Identity } from '../../actors/log/node-state.js'
import type { SnapshotMessage } from '../../actors/snapshot/protocol.js'
import { createActor as createSnapshots } from '../../actors/snapshot/snapshot-actor.js'
import { assert } from '../core/assert.js'
import type { HardState } from '../core/types.js'
import type { ActorHandle, Behavior, CreateActor, Message } from '../runtime/actor.js'
import { createActorSystem, type HostActorSystem } from '../runtime/actor-system.js'
import { fromWireError } from '../runtime/wire-error.js'
import type { StoredSnapshot } from '../snapshot/store.js'
import { RaftError } from './errors.js'
import type { OfflineLog } from './offline-log.js'
import type { ResolvedOffline } from './offline-options.js'
import type { RecoveryPlan } from './recovery-plan.js'

/** More than there ever are: a recovery removes no snapshot. */
const RETAIN_ALL = 2 ** 30

type ReplyOf<Kind extends FsmReply['kind']> = Extract<FsmReply, { kind: Kind }>

/**
 * Snapshots and state machine of a node that does not run: the actors of a running one, on this thread, so
 * that what they write is what a running one writes.
 */
export class OfflineState {
  readonly #options: ResolvedOffline
  readonly #identity: Identity
  readonly #system: HostActorSystem
  readonly #snapshots: ActorHandle<SnapshotMessage>
  #fsm: ActorHandle<FsmMessage> | null = null
  readonly #replies: FsmReply[] = []
  #wake: () => void = () => {}
  #failure: Error | null = null

  private constructor(
    options: ResolvedOffline,
    identity: Identity,
    system: HostActorSystem,
    snapshots: ActorHandle<SnapshotMessage>,
  ) {
    this.#options = options
    this.#identity = identity
    this.#system = system
    this.#snapshots = snapshots
  }

  static async open(options: ResolvedOffline, identity: Identity): Promise<OfflineState> {
    const { dataDir, snapshots: store, logger } = options
    const { nodeId } = identity
    const system = createActorSystem(logger === undefined ? {} : { logger })
    const snapshots = await system.spawn({
      ...inline('snapshot', createSnapshots as CreateActor<never, never>),
      init: { nodeId, dataDir, store, retain: RETAIN_ALL } as never,
    })
    return new OfflineState(options, identity, system, snapshots as never)
  }

  /** S13; a restored one that came to nothing is passed over (lib/core/uncertain.ts). */
  async newest({ undone }: HardState): Promise<StoredSnapshot | null> {
    const { ref } = this.#snapshots
    const skip = undone !== undefined && !this.#options.dryRun ? { undone } : {}
    const newest = await ref.ask<StoredSnapshot | null>({ kind: 'newest', ...skip })
    if (newest?.restored !== true || !isAt(newest, undone)) return newest
    const all = await ref.ask<readonly StoredSnapshot[]>({ kind: 'list' })
    return all.find((one) => !isAt(one, undone)) ?? null
  }

  /** From the snapshot and the log to a new snapshot at the last entry, with the forced configuration. */
  async replay(log: OfflineLog, base: StoredSnapshot | null, plan: RecoveryPlan): Promise<void> {
    const { ref } = await this.#startFsm()
    const { lastIndex } = plan
    const { lastApplied } = await ref.ask<LastApplied>({ kind: 'lastApplied' })
    if ((lastApplied ?? 0) > lastIndex) throw ahead(lastApplied ?? 0, lastIndex)
    if (base !== null) {
      ref.tell({ kind: 'restore', index: base.index, term: base.term })
      await this.#reply('restored')
    }
    for (let from = (base?.index ?? 0) + 1; from <= lastIndex; ) {
      const batches = await log.read(from)
      const last = batches.at(-1)
      assert(last !== undefined, 'the log holds what follows the snapshot', { from, lastIndex })
      const toIndex = last.firstIndex + last.count - 1
      ref.tell({ kind: 'apply', fromIndex: from, toIndex, batches, resultsFrom: null })
      await this.#reply('applied')
      from = toIndex + 1
    }
    const configurations = [plan.after]
    const how = { configurations, force: true, restored: true }
    ref.control({ kind: 'takeSnapshot', request: 1, ...how })
    const reply = await this.#reply('snapshotTaken', 'snapshotFailed')
    if (reply.kind === 'snapshotFailed') throw fromWireError(reply.error)
  }

  async close(): Promise<void> {
    await this.#fsm?.stop()
    await this.#snapshots.stop()
    await this.#system.close()
  }

  async #startFsm(): Promise<ActorHandle<FsmMessage>> {
    const { dataDir, stateMachine } = this.#options
    const { nodeId } = this.#identity
    const limits = { maxApplyEntries: 4096, maxApplyBytes: 4 * 1024 * 1024 }
    const fsm = (await this.#system.spawn({
      ...inline('fsm', createFsm as CreateActor<never, never>),
      init: { nodeId, dataDir, stateMachine, ...limits } as never,
    })) as unknown as ActorHandle<FsmMessage>
    this.#fsm = fsm
    const receiver: Behavior<FsmReply> = {
      receive: (reply) => {
        this.#replies.push(reply)
        this.#wake()
      },
    }
    const consensus = await this.#system.spawn({
      ...inline('consensus', () => receiver as unknown as Behavior<never>),
      init: null as never,
    })
    fsm.onExit((exit) => {
      this.#failure =
        exit.kind === 'failed' ? exit.error : new Error('the state machine has stopped')
      this.#wake()
    })
    this.#system.link(this.#snapshots as ActorHandle, 'fsm', fsm as ActorHandle)
    this.#system.link(fsm as ActorHandle, 'snapshot', this.#snapshots as ActorHandle)
    this.#system.link(fsm as ActorHandle, 'consensus', consensus as ActorHandle)
    return fsm
  }

  /** The next reply of one of these kinds; others are news of progress. */
  async #reply<Kind extends FsmReply['kind']>(...kinds: readonly Kind[]): Promise<ReplyOf<Kind>> {
    for (;;) {
      for (let reply = this.#replies.shift(); reply !== undefined; reply = this.#replies.shift()) {
        if ((kinds as readonly string[]).includes(reply.kind)) return reply as ReplyOf<Kind>
      }
      if (this.#failure !== null) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function isAt(one: StoredSnapshot, place: HardState['undone']): boolean {
  return one.index === place?.index && one.term === place.term
}

function inline<M extends Message>(name: string, create: CreateActor<never, M>) {
  const module = new URL(`../../actors/${name}/${name}-actor.js`, import.meta.url)
  return { name, module, create, placement: 'inline' } as const
}

function ahead(lastApplied: number, lastIndex: number): RaftError {
  return new RaftError(
    'RAFT_CORRUPT',
    `the state machine holds entries up to index ${lastApplied}, log and snapshots end at ${lastIndex}: ` +
      'its state belongs to another data directory. Remove it, and it is made anew from the log',
    { details: { lastApplied, lastIndex } },
  )
}
