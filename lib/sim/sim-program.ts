import type {
  ConsensusMessage,
  ConsensusStatus,
  NodeReply,
} from '../../actors/consensus/protocol.js'
import type { NodeId } from '../core/types.js'
import { BatchBuilder, ENTRY_COMMAND } from '../log/batch.js'
import { Arena } from '../log/slab.js'
import type { ActorContext, ActorRef, Behavior } from '../runtime/actor.js'

/** What the checks learn from the programs. */
export interface ProgramObserver {
  /** A command is on its way into the cluster. */
  proposed(node: NodeId, command: string): void
  /** Acknowledged: applied at this index. */
  acknowledged(node: NodeId, command: string, index: number): void
  /** `unknown` may still be applied, `rejected` never. */
  failed(node: NodeId, command: string, outcome: 'rejected' | 'unknown' | 'committed'): void
  status(node: NodeId, status: ConsensusStatus): void
}

export interface SimProgramOptions {
  readonly node: NodeId
  readonly observer: ProgramObserver
  /** Mean time between two batches of commands while this node leads. */
  readonly everyMs: number
  /** True once nothing more is to be proposed. */
  readonly quiet: () => boolean
  /** Most commands in one batch. */
  readonly maxBatch: number
}

interface Proposal {
  readonly commands: readonly string[]
  firstIndex: number
}

/** A program that embeds the node: it proposes batches of unique commands whenever its node leads. */
export class SimProgram implements Behavior<NodeReply> {
  readonly #options: SimProgramOptions
  readonly #context: ActorContext
  readonly #builder = new BatchBuilder(new Arena({ slabBytes: 64 * 1024, maxIdleSlabs: 2 }), 1024)
  readonly #pending = new Map<number, Proposal>()
  #consensus: ActorRef<ConsensusMessage> | null = null
  #leads = false
  #proposals = 0
  #commands = 0
  readonly #life: string

  constructor(options: SimProgramOptions, context: ActorContext) {
    this.#options = options
    this.#context = context
    this.#life = Math.floor(context.random() * 2 ** 32).toString(36)
  }

  linked(name: string, ref: ActorRef): void {
    if (name !== 'consensus') return
    this.#consensus = ref as ActorRef<ConsensusMessage>
    this.#next()
  }

  receive(message: NodeReply): void {
    const { node, observer } = this.#options
    switch (message.kind) {
      case 'status':
        this.#leads = message.status.role === 'leader'
        return observer.status(node, message.status)
      case 'proposalAccepted': {
        const proposal = this.#pending.get(message.proposal)
        if (proposal !== undefined) proposal.firstIndex = message.firstIndex
        return
      }
      case 'proposalApplied':
        return this.#settle(message.proposal, (command, index) => {
          observer.acknowledged(node, command, index)
        })
      case 'proposalFailed':
        return this.#settle(message.proposal, (command) => {
          observer.failed(node, command, message.outcome)
        })
      default:
        return
    }
  }

  #settle(id: number, each: (command: string, index: number) => void): void {
    const proposal = this.#pending.get(id)
    this.#pending.delete(id)
    proposal?.commands.forEach((command, offset) => {
      each(command, proposal.firstIndex + offset)
    })
  }

  #next(): void {
    this.#context.after(this.#options.everyMs * 2 * this.#context.random(), () => {
      if (this.#leads && !this.#options.quiet()) this.#propose()
      this.#next()
    })
  }

  #propose(): void {
    const { node, observer, maxBatch } = this.#options
    const count = 1 + Math.floor(this.#context.random() * maxBatch)
    const commands: string[] = []
    for (let i = 0; i < count; i++) {
      const command = `${node}.${this.#life}.${++this.#commands}`
      commands.push(command)
      observer.proposed(node, command)
      this.#builder.add(ENTRY_COMMAND, new TextEncoder().encode(command))
    }
    const proposal = ++this.#proposals
    this.#pending.set(proposal, { commands, firstIndex: 0 })
    this.#consensus?.tell({ kind: 'propose', proposal, batch: this.#builder.finish() })
  }
}
