import type {
  ConsensusMessage,
  ConsensusStatus,
  NodeReply,
} from '../../actors/consensus/protocol.js'
import type { ResultRun } from '../../actors/fsm/protocol.js'
import type { MemberChange } from '../core/membership.js'
import type { LogIndex, NodeId, Term } from '../core/types.js'
import { BatchBuilder, ENTRY_COMMAND } from '../log/batch.js'
import { Arena } from '../log/slab.js'
import type { ActorContext, ActorRef, Behavior } from '../runtime/actor.js'
import type { Seen } from './client-checks.js'
import type { Reading } from './history.js'
import { compareAndSet, put } from './registers.js'
import { type Applied, commandBytes } from './replica-machine.js'
import { SimReads } from './sim-reads.js'
import type { SessionEntry, SessionOutcome } from './sim-session.js'

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
  /** A lease read begins; returns the newest term in which anybody has committed by now. */
  leaseBegins(): Term
  /** This node has answered it from its lease. */
  leaseGiven(node: NodeId, newestTerm: Term): void
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
  /** The bytes of the next command for the user's machine; null: there is none. */
  readonly nextCommand: (() => Uint8Array) | null
}

/** A batch under way; its commands are settled one by one, by index. */
interface Proposal {
  readonly count: number
  readonly applied: (at: number, index: LogIndex, outcome: Applied | undefined) => void
  readonly refused: (at: number, code: unknown) => void
  readonly failed: (at: number, outcome: 'rejected' | 'unknown' | 'committed') => void
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
  #leaderships = 0
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
    const { readEveryMs, transferEveryMs } = this.#options
    this.#every(readEveryMs, () => this.#reads.begin())
    this.#every(transferEveryMs, () => this.#transfer())
  }

  receive(message: NodeReply): void {
    const { node, observer } = this.#options
    switch (message.kind) {
      case 'status':
        this.#lead(message.status.role === 'leader')
        this.#reads.leaderIs(message.status.leader)
        return observer.status(node, message.status)
      case 'proposalAccepted': {
        const proposal = this.#pending.get(message.proposal)
        if (proposal !== undefined) proposal.firstIndex = message.firstIndex
        return
      }
      case 'proposalApplied':
        return this.#applied(message.proposal, message.results)
      case 'proposalFailed':
        return this.#settle(message.proposal, (proposal, at) => {
          proposal.failed(at, message.outcome)
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

  /** Nothing that it has asked for is unanswered. */
  get idle(): boolean {
    return this.#pending.size === 0 && this.#reads.idle
  }

  /** Proposes an entry for a client outside; `ended` is called once, unless this process ends before. */
  proposeFor(entry: SessionEntry, ended: (outcome: SessionOutcome) => void): void {
    const { type, data, identity } = entry
    this.#builder.add(type, data, undefined, identity)
    this.#send({
      count: 1,
      applied: (_at, _index, value) =>
        ended(value === undefined ? { kind: 'lost' } : { kind: 'done', value }),
      refused: (_at, code) => ended({ kind: 'refused', code }),
      failed: () => ended({ kind: 'lost' }),
      firstIndex: 0,
    })
  }

  /** The next command for registers, and its bytes. */
  command(id: string): { readonly text: string; readonly bytes: Uint8Array } {
    const key = this.#drawKey()
    const sets = this.#context.random() < 0.6
    const text = sets ? put(id, key) : compareAndSet(id, key, this.#reads.seen.get(key) ?? '')
    const { nextCommand } = this.#options
    return { text, bytes: commandBytes(text, nextCommand?.() ?? null) }
  }

  #send(proposal: Proposal): void {
    const id = ++this.#proposals
    this.#pending.set(id, proposal)
    this.#consensus?.tell({ kind: 'propose', proposal: id, batch: this.#builder.finish() })
  }

  #applied(id: number, results: ResultRun | null): void {
    const refusals = new Map(results?.errors.map(({ index, error }) => [index, error.code]))
    this.#settle(id, (proposal, at) => {
      const index = proposal.firstIndex + at
      if (refusals.has(index)) return proposal.refused(at, refusals.get(index))
      const value = results?.values?.[index - results.firstIndex]
      proposal.applied(at, index, value as Applied | undefined)
    })
  }

  #settle(id: number, each: (proposal: Proposal, at: number) => void): void {
    const proposal = this.#pending.get(id)
    this.#pending.delete(id)
    if (proposal === undefined) return
    for (let at = 0; at < proposal.count; at++) each(proposal, at)
  }

  #every(meanMs: number, act: () => void): void {
    if (meanMs === 0) return
    this.#context.after(meanMs * 2 * this.#context.random(), () => {
      if (!this.#options.quiet()) act()
      this.#every(meanMs, act)
    })
  }

  /** Proposals come while this node leads, as far as it knows. */
  #lead(leads: boolean): void {
    if (leads && !this.#leads) this.#proposeNext(++this.#leaderships)
    this.#leads = leads
  }

  #proposeNext(leadership: number): void {
    const delayMs = this.#options.proposeEveryMs * 2 * this.#context.random()
    this.#context.after(delayMs, () => {
      if (!this.#leads || leadership !== this.#leaderships || this.#options.quiet()) return
      this.#propose()
      this.#proposeNext(leadership)
    })
  }

  #propose(): void {
    const { node, observer, maxBatch } = this.#options
    const count = 1 + Math.floor(this.#context.random() * maxBatch)
    const commands: string[] = []
    for (let i = 0; i < count; i++) {
      const { text, bytes } = this.command(`${node}.${this.#life}.${++this.#commands}`)
      commands.push(text)
      observer.proposed(node, text)
      this.#builder.add(ENTRY_COMMAND, bytes)
    }
    const command = (at: number): string => commands[at] as string
    this.#send({
      count,
      applied: (at, index, result) => {
        observer.acknowledged(node, command(at), index)
        if (result !== undefined) observer.answered(command(at), result)
      },
      // The result is in the log and was lost on its way here.
      refused: (at, _code) => observer.failed(node, command(at), 'committed'),
      failed: (at, outcome) => observer.failed(node, command(at), outcome),
      firstIndex: 0,
    })
  }

  #drawKey(): string {
    return `k${Math.floor(this.#context.random() * KEYS)}`
  }

  #transfer(): void {
    if (this.#leads) this.#consensus?.tell({ kind: 'transfer', id: ++this.#proposals, to: null })
  }
}
