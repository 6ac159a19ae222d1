import type { ConsensusMessage } from '../../actors/consensus/protocol.js'
import {
  REPLICATOR_FIGURES,
  type ReplicatorFigures,
  replicatorFigures,
} from '../../actors/replicator/figures.js'
import type { ReplicatorInit, ReplicatorMessage } from '../../actors/replicator/protocol.js'
import { createActor } from '../../actors/replicator/replicator-actor.js'
import { assert } from '../core/assert.js'
import { FIRST_GENERATION, type NodeId, type Server, type Standing } from '../core/types.js'
import { PIN_FIRST_REPLICATOR, PIN_LAST_REPLICATOR } from '../log/slab.js'
import type { ActorHandle, ActorSystem } from '../runtime/actor.js'
import type { Clock } from '../runtime/clock.js'
import { SharedFigures } from '../runtime/shared-figures.js'
import type { Supervisor } from '../runtime/supervisor.js'
import type { WireError } from '../runtime/wire-error.js'
import type { TransportSpec } from '../transport/transport.js'
import { replicatorConfig } from './actor-inits.js'
import type { RaftConfig } from './config.js'
import { hostOf, type Where } from './placement.js'
import { supervise } from './supervise.js'

interface Running {
  readonly peer: NodeId
  readonly supervisor: Supervisor<ReplicatorMessage>
  address: string
  /** Of the incarnation that runs, or starts; 0: none yet. */
  slot: number
  /** Where each incarnation counts. */
  readonly figures: SharedArrayBuffer
}

export interface ReplicatorManagerOptions {
  readonly system: ActorSystem & Clock & { random(): number }
  readonly config: RaftConfig
  readonly placement: Where
  readonly init: Pick<
    ReplicatorInit,
    'nodeId' | 'cluster' | 'incarnation' | 'transport' | 'leaderBoard'
  >
  readonly consensus: ActorHandle<ConsensusMessage>
  readonly onFailure: (error: WireError) => void
  readonly onRestart: ((actor: string, error: Error, delayMs: number) => void) | undefined
}

/** One replicator for each other member: started, told of new addresses, restarted, stopped. */
export class ReplicatorManager {
  readonly #options: ReplicatorManagerOptions
  readonly #running = new Map<NodeId, Running>()
  readonly #slots = new Set<number>()
  #nextSlot = PIN_FIRST_REPLICATOR
  #transport: TransportSpec
  #stopped = false
  #standing: Standing = { generation: FIRST_GENERATION, addedAt: 0 }

  constructor(options: ReplicatorManagerOptions) {
    this.#options = options
    this.#transport = options.init.transport
  }

  handles(): readonly ActorHandle<ReplicatorMessage>[] {
    return [...this.#running.values()].flatMap(({ supervisor }) => supervisor.last ?? [])
  }

  /** What is sent to each other member, read just now. */
  figures(): ReadonlyMap<NodeId, ReplicatorFigures> {
    const running = [...this.#running.values()]
    return new Map(running.map(({ peer, figures }) => [peer, replicatorFigures(figures).read()]))
  }

  /** Whoever must be reached from now on; the others lose their replicators. */
  members(peers: readonly Server[], standing: Standing): void {
    if (this.#stopped) return
    const { generation, addedAt } = this.#standing
    if (standing.generation !== generation || standing.addedAt !== addedAt) {
      this.#standing = standing
      for (const { ref } of this.handles()) ref.control({ kind: 'standing', standing })
    }
    const wanted = new Map(peers.map((server) => [server.id, server.address]))
    for (const [peer, running] of this.#running) {
      if (!wanted.has(peer)) this.#end(peer, running)
    }
    for (const [peer, address] of wanted) {
      const running = this.#running.get(peer)
      if (running === undefined) this.#begin(peer, address)
      else if (running.address !== address) {
        running.address = address
        running.supervisor.last?.ref.control({ kind: 'address', address })
      }
    }
  }

  /** The options have changed, in place; those that start later find them by themselves. */
  reload(): void {
    const config = replicatorConfig(this.#options.config)
    for (const { ref } of this.handles()) ref.control({ kind: 'config', config })
  }

  /** For connections that are made from now on, also by replicators that start later. */
  refresh(transport: TransportSpec): void {
    this.#transport = transport
    const { options } = transport
    for (const { ref } of this.handles()) ref.control({ kind: 'transport', options })
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true
    const handles = this.handles()
    for (const { supervisor } of this.#running.values()) supervisor.release()
    await Promise.all(handles.map((handle) => handle.stop(deadlineMs)))
  }

  #begin(peer: NodeId, address: string): void {
    const supervisor: Supervisor<ReplicatorMessage> = this.#supervisorOf(peer, () => running)
    const figures = SharedFigures.allocate(REPLICATOR_FIGURES)
    const running: Running = { peer, supervisor, address, slot: 0, figures }
    this.#running.set(peer, running)
    supervisor.startSoon()
  }

  #supervisorOf(peer: NodeId, running: () => Running): Supervisor<ReplicatorMessage> {
    const { system, config, consensus, onFailure, onRestart } = this.#options
    return supervise<ReplicatorMessage>({
      name: `replicator-${peer}`,
      clock: system,
      config,
      spawn: () => this.#spawn(running()),
      started: (handle) => {
        const { slot } = running()
        system.link(handle, 'consensus', consensus)
        system.link(consensus, `replicator-${peer}`, handle)
        consensus.ref.control({ kind: 'replicatorStarted', peer, pinSlot: slot })
      },
      gaveUp: onFailure,
      restarting: onRestart,
    })
  }

  #spawn(running: Running): Promise<ActorHandle<ReplicatorMessage>> {
    const { system, config, placement, init } = this.#options
    const { peer } = running
    this.#slots.delete(running.slot)
    running.slot = this.#freeSlot()
    return system.spawn<ReplicatorInit, ReplicatorMessage>({
      name: `replicator-${peer}`,
      module: new URL('../../actors/replicator/replicator-actor.js', import.meta.url),
      create: createActor,
      init: {
        ...init,
        transport: this.#transport,
        peer,
        address: running.address,
        standing: this.#standing,
        pinSlot: running.slot,
        config: replicatorConfig(config),
        figures: running.figures,
      },
      placement: hostOf(placement),
      mailbox: { maxMessages: config.mailboxMaxMessages, maxBytes: config.mailboxMaxBytes },
    })
  }

  /** S7: a new incarnation has a column of pins of its own, as long as there are enough. */
  #freeSlot(): number {
    const columns = PIN_LAST_REPLICATOR - PIN_FIRST_REPLICATOR + 1
    assert(this.#slots.size < columns, 'a node has at most 29 other members', {
      members: this.#slots.size,
    })
    while (this.#slots.has(this.#nextSlot)) this.#nextSlot = this.#following(this.#nextSlot)
    const slot = this.#nextSlot
    this.#slots.add(slot)
    this.#nextSlot = this.#following(slot)
    return slot
  }

  #following(slot: number): number {
    return slot === PIN_LAST_REPLICATOR ? PIN_FIRST_REPLICATOR : slot + 1
  }

  #end(peer: NodeId, running: Running): void {
    running.supervisor.release()
    this.#running.delete(peer)
    this.#slots.delete(running.slot)
    void running.supervisor.last?.stop(this.#options.config.stopTimeoutMs)
  }
}
