import { createActor as createFsm } from '../../../../actors/fsm/fsm-actor.js'
import type { FsmMessage, FsmReply } from '../../../../actors/fsm/protocol.js'
import type { FsmLinkMessage } from '../../../../actors/snapshot/fsm-link.js'
import type { SnapshotMessage, SnapshotReply } from '../../../../actors/snapshot/protocol.js'
import { createActor as createSnapshots } from '../../../../actors/snapshot/snapshot-actor.js'
import type { IndexedConfiguration } from '../../../../lib/core/types.js'
import { type InlineExtras, inlineStateMachine } from '../../../../lib/fsm/define.js'
import type { StateMachineSpec } from '../../../../lib/fsm/spec.js'
import type { AnyStateMachine } from '../../../../lib/fsm/state-machine.js'
import type { BatchRef } from '../../../../lib/log/batch-ref.js'
import {
  type ActorExit,
  type ActorHandle,
  type ActorSystem,
  createActorSystem,
} from '../../../../lib/runtime/index.js'
import { MemorySnapshots } from '../../../../lib/snapshot/memory-store.js'
import type { SnapshotStoreSpec } from '../../../../lib/snapshot/store.js'
import { memorySnapshotStore } from '../../../../lib/snapshot/stores.js'
import { lastIndexOf } from './batches.js'
import { Inbox } from './inbox.js'

const server = { id: 'n1', address: 'n1:1', suffrage: 'voter', addedAt: 1 } as const
export const configuration: IndexedConfiguration = {
  index: 1,
  configuration: { servers: [server] },
}

export interface StageOptions {
  readonly system?: ActorSystem
  readonly placement?: 'inline' | 'thread'
  readonly dataDir?: string
  readonly disk?: MemorySnapshots
  readonly store?: SnapshotStoreSpec
  readonly retain?: number
  readonly maxApplyEntries?: number
  readonly maxApplyBytes?: number
  readonly overwriteBorrowed?: boolean
}

/** A state machine of the test's own, whatever its types. */
export function machine(
  made: AnyStateMachine,
  extras: InlineExtras & { readonly codec?: unknown } = {},
): StateMachineSpec {
  return inlineStateMachine(() => made, extras as InlineExtras)
}

/** An FSM actor and a snapshot actor, with inboxes where the consensus actor would be. */
export class Stage {
  readonly system: ActorSystem
  readonly replies = new Inbox<FsmReply>()
  readonly snapshotReplies = new Inbox<SnapshotReply>()
  readonly disk: MemorySnapshots
  readonly #options: StageOptions
  #spec: StateMachineSpec
  #consensus: ActorHandle<FsmReply> | null = null
  #fsm: ActorHandle<FsmMessage> | null = null
  #snapshots: ActorHandle<SnapshotMessage | FsmLinkMessage> | null = null
  #request = 0

  private constructor(spec: StateMachineSpec, options: StageOptions) {
    this.#spec = spec
    this.#options = options
    this.system = options.system ?? createActorSystem()
    this.disk = options.disk ?? new MemorySnapshots()
  }

  static async open(spec: StateMachineSpec, options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(spec, options)
    try {
      stage.#consensus = await stage.replies.spawn(stage.system, 'consensus')
      await stage.startSnapshots()
      await stage.startFsm()
    } catch (error) {
      await stage.close()
      throw error
    }
    return stage
  }

  get fsm(): ActorHandle<FsmMessage> {
    return present(this.#fsm)
  }

  get snapshots(): ActorHandle<SnapshotMessage | FsmLinkMessage> {
    return present(this.#snapshots)
  }

  async startSnapshots(): Promise<void> {
    const { dataDir = '', retain = 2, store, placement = 'inline' } = this.#options
    const consensus = await this.snapshotReplies.spawn(this.system, `consensus-${++this.#request}`)
    this.#snapshots = await this.system.spawn({
      name: 'snapshot',
      module: new URL('../../../../actors/snapshot/snapshot-actor.js', import.meta.url),
      create: createSnapshots,
      init: { nodeId: 'n1', dataDir, retain, store: store ?? memorySnapshotStore(this.disk) },
      placement: store === undefined ? 'inline' : placement,
    })
    this.system.link(this.#snapshots, 'consensus', consensus)
    if (this.#fsm !== null) this.#linkFsm()
  }

  async startFsm(spec = this.#spec): Promise<void> {
    this.#spec = spec
    const { dataDir = '', maxApplyEntries = 4, overwriteBorrowed } = this.#options
    const { maxApplyBytes = 1 << 20 } = this.#options
    this.#fsm = await this.system.spawn({
      name: 'fsm',
      module: new URL('../../../../actors/fsm/fsm-actor.js', import.meta.url),
      create: createFsm,
      init: {
        nodeId: 'n1',
        dataDir,
        stateMachine: spec,
        maxApplyEntries,
        maxApplyBytes,
        ...(overwriteBorrowed !== undefined && { overwriteBorrowed }),
      },
      placement: this.#options.placement ?? 'inline',
    })
    this.#linkFsm()
    this.system.link(this.#fsm, 'consensus', present(this.#consensus))
    this.#fsm.ref.control({ kind: 'begin', life: 1 })
    await this.replies.take('fsmReady')
  }

  #linkFsm(): void {
    this.system.link(this.fsm, 'snapshot', this.snapshots)
    this.system.link(this.snapshots, 'fsm', this.fsm)
  }

  /** Tells the batches as one message, results wanted from `resultsFrom` on. */
  tell(batches: readonly BatchRef[], resultsFrom: number | null = null): void {
    const fromIndex = batches[0]?.firstIndex ?? 0
    const toIndex = lastIndexOf(present(batches.at(-1) ?? null))
    this.fsm.ref.tell({ kind: 'apply', fromIndex, toIndex, batches, resultsFrom })
  }

  /** Applies the batches, with all their results. */
  async apply(...batches: readonly BatchRef[]) {
    this.tell(batches, batches[0]?.firstIndex)
    return this.replies.take('applied')
  }

  /** Another FSM actor in the place of the running one. */
  async startFsmAgain(spec: StateMachineSpec): Promise<void> {
    await this.fsm.stop()
    await this.startFsm(spec)
  }

  async restore(index: number, term: number) {
    this.fsm.ref.tell({ kind: 'restore', index, term })
    return this.replies.take('restored')
  }

  async query(request: unknown) {
    this.fsm.ref.tell({ kind: 'query', items: [{ id: 1, request }] })
    const { items } = await this.replies.take('queried')
    const outcome = present(items[0] ?? null).outcome
    if (outcome.ok) return outcome.value
    throw new Error(outcome.error.message)
  }

  askSnapshot(configurations = [configuration]): void {
    this.fsm.ref.control({ kind: 'takeSnapshot', request: ++this.#request, configurations })
  }

  async takeSnapshot() {
    this.askSnapshot()
    return this.replies.take('snapshotTaken')
  }

  async failToSnapshot() {
    this.askSnapshot()
    return (await this.replies.take('snapshotFailed')).error
  }

  /** The failure that ends the FSM actor. */
  async fsmFailure(): Promise<Error & { readonly code?: string; readonly details?: unknown }> {
    const exit: ActorExit = await this.fsm.exited
    if (exit.kind === 'failed') return exit.error
    throw new Error('expected the FSM actor to fail, it was stopped')
  }

  async close(): Promise<void> {
    await this.system.close()
  }
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error('not started')
  return value
}
