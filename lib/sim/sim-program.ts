import type {
  ConsensusMessage,
  ConsensusStatus,
  NodeReply,
} from '../../actors/consensus/protocol.js'
import type { MemberChange } from '../core/membership.js'
import type { LogIndex, NodeId } from '../core/types.js'
import { BatchBuilder, ENTRY_COMMAND } from '../log/batch.js'
import { Arena } from '../log/slab.js'
import type { ActorContext, ActorRef, Behavior } from '../runtime/actor.js'
import type { Seen } from './client-checks.js'
import type { Reading } from './history.js'
import type { Applied } from './list-machine.js'
import { compareAndSet, put } from './registers.js'
import { SimReads } from './sim-reads.js'

/** What the checks learn from the programs. */
export interface ProgramObserver {
  /** A command is on its way into the cluster. */
  proposed(node: NodeId, command: string): void
  /** What the state machine said to it. */
  answered(command: string, result: Applied): void
  /** What a linearizable read saw. */
  saw(reading: Reading): void
  /** Acknowledged: applied at this index. */
  acknowledged(node: NodeId, command: string, index: LogIndex): void
  /** `unknown` may still be applied, `rejected` never. */
  failed(node: NodeId, command: string, outcome: 'rejected' | 'unknown' | 'committed'): void
  status(node: NodeId, status: ConsensusStatus): void
  /** A read begins; returns the highest index that any program knows to be applied by now. */
  readBegins(): LogIndex
  /** A read has been answered; it must not miss what was known when it began. */
  readEnded(node: NodeId, what: ReadKind, floor: LogIndex, seen: Seen): void
  transferred(): void
  /** A change of members has ended; `reason` null: well. */
  changed(reason: string | null): void
  /** The cluster has removed this node. */
  removed(node: NodeId): void
  installed(): void
}

/** Where a read index came from. */
export type ReadKind = 'read index' | 'lease read' | 'forwarded read'

export interface SimProgramOptions {
  readonly node: NodeId
  readonly observer: ProgramObserver
  /** Mean time between two batches of commands while this node leads. */
  readonly proposeEveryMs: number
  /** Mean time between two reads. */
  readonly readEveryMs: number
  /** Mean time between two transfers of leadership; 0: none. */
  readonly transferEveryMs: number
  /** True once nothing more is to be asked for. */
  readonly quiet: () => boolean
  /** The world's time. */
  readonly now: () => number
  /** Most commands in one batch. */
  readonly maxBatch: number
}

interface Proposal {
  readonly commands: readonly string[]
  firstIndex: LogIndex
}

/** Small slabs are reused often, which shows whoever reads memory that is not his any more (S7). */
const SLAB_BYTES = 4096
/** Few, so that programs get in each other's way. */
const KEYS = 5

/**
 * A program that embeds the node: it proposes batches of unique commands whenever its node leads, hands
 * leadership over now and then, and reads whatever its node is.
 */
export class SimProgram implements Behavior<NodeReply> {
  readonly #options: SimProgramOptions
  readonly #context: ActorContext
  readonly #builder = new BatchBuilder(new Arena({ slabBytes: SLAB_BYTES, maxIdleSlabs: 2 }), 1024)
  readonly #pending = new Map<number, Proposal>()
  readonly #reads: SimReads
  #consensus: ActorRef<ConsensusMessage> | null = null
  #leads = false
  #proposals = 0
  #commands = 0
  readonly #life: string

  constructor(options: SimProgramOptions, context: ActorContext) {
    this.#options = options
    this.#context = context
    this.#life = Math.floor(context.random() * 2 ** 32).toString(36)
    const tell = (message: ConsensusMessage): void => {
      this.#consensus?.tell(message)
    }
    const { node, observer } = options
    const drawn = { random: () => context.random(), drawKey: () => this.#drawKey() }
    this.#reads = new SimReads({ node, observer, tell, ...drawn, now: options.now })
  }

  linked(name: string, ref: ActorRef): void {
    if (name !== 'consensus') return
    this.#consensus = ref as ActorRef<ConsensusMessage>
    const { proposeEveryMs, readEveryMs, transferEveryMs } = this.#options
    this.#every(proposeEveryMs, () => this.#propose())
    this.#every(readEveryMs, () => this.#reads.begin())
    this.#every(transferEveryMs, () => this.#transfer())
  }

  receive(message: NodeReply): void {
    const { node, observer } = this.#options
    switch (message.kind) {
      case 'status':
        this.#leads = message.status.role === 'leader'
        this.#reads.leaderIs(message.status.leader)
        return observer.status(node, message.status)
      case 'proposalAccepted': {
        const proposal = this.#pending.get(message.proposal)
        if (proposal !== undefined) proposal.firstIndex = message.firstIndex
        return
      }
      case 'proposalApplied':
        return this.#settle(message.proposal, (command, index) => {
          observer.acknowledged(node, command, index)
          const result = message.results?.values?.[index - message.results.firstIndex]
          if (result !== undefined) observer.answered(command, result as Applied)
        })
      case 'proposalFailed':
        return this.#settle(message.proposal, (command) => {
          observer.failed(node, command, message.outcome)
        })
      case 'readIndexDone':
      case 'readIndexFailed':
      case 'queryDone':
      case 'forwarded':
      case 'forwardReply':
        return this.#reads.receive(message)
      case 'transferDone':
        if (message.reason === null) observer.transferred()
        return
      case 'changeDone':
        return observer.changed(message.reason)
      case 'removed':
        return observer.removed(node)
      case 'event':
        if (message.event.kind === 'snapshot' && message.event.change === 'received') {
          observer.installed()
        }
        return
      default:
        return
    }
  }

  /** An operator's wish. */
  change(change: MemberChange, prevIndex: LogIndex): void {
    this.#consensus?.tell({ kind: 'changeMembers', id: ++this.#proposals, change, prevIndex })
  }

  #settle(id: number, each: (command: string, index: LogIndex) => void): void {
    const proposal = this.#pending.get(id)
    this.#pending.delete(id)
    proposal?.commands.forEach((command, offset) => {
      each(command, proposal.firstIndex + offset)
    })
  }

  #every(meanMs: number, act: () => void): void {
    if (meanMs === 0) return
    this.#context.after(meanMs * 2 * this.#context.random(), () => {
      if (!this.#options.quiet()) act()
      this.#every(meanMs, act)
    })
  }

  #propose(): void {
    if (!this.#leads) return
    const { node, observer, maxBatch } = this.#options
    const count = 1 + Math.floor(this.#context.random() * maxBatch)
    const commands: string[] = []
    for (let i = 0; i < count; i++) {
      const command = this.#command(`${node}.${this.#life}.${++this.#commands}`)
      commands.push(command)
      observer.proposed(node, command)
      this.#builder.add(ENTRY_COMMAND, new TextEncoder().encode(command))
    }
    const proposal = ++this.#proposals
    this.#pending.set(proposal, { commands, firstIndex: 0 })
    this.#consensus?.tell({ kind: 'propose', proposal, batch: this.#builder.finish() })
  }

  #command(id: string): string {
    const key = this.#drawKey()
    if (this.#context.random() < 0.6) return put(id, key)
    return compareAndSet(id, key, this.#reads.seen.get(key) ?? '')
  }

  #drawKey(): string {
    return `k${Math.floor(this.#context.random() * KEYS)}`
  }

  #transfer(): void {
    if (this.#leads) this.#consensus?.tell({ kind: 'transfer', id: ++this.#proposals, to: null })
  }
}
