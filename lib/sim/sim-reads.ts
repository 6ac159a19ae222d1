import type { ConsensusMessage, NodeReply } from '../../actors/consensus/protocol.js'
import type { LogIndex, NodeId, Term } from '../core/types.js'
import type { Answer } from './replica-machine.js'
import type { ProgramObserver, ReadKind } from './sim-program.js'

type ReadReply = Extract<
  NodeReply,
  { kind: 'readIndexDone' | 'readIndexFailed' | 'queryDone' | 'forwarded' | 'forwardReply' }
>

interface Read {
  readonly what: ReadKind
  readonly floor: LogIndex
  readonly key: string
  readonly from: number
  /** Of a lease read: the newest term in which anybody had committed when it began. */
  readonly newestTerm: Term
}

interface Asked {
  readonly connection: number
  readonly request: number
}

export interface SimReadsOptions {
  readonly node: NodeId
  readonly observer: ProgramObserver
  readonly tell: (message: ConsensusMessage) => void
  readonly random: () => number
  /** The world's time. */
  readonly now: () => number
  /** Registers that may be asked for. */
  readonly drawKey: () => string
}

/** Answer to a peer's read: no read index here. */
const REFUSED = new Uint8Array(0)
const FORWARD_TIMEOUT_MS = 2000

/**
 * Linearizable reads of one program: through this leader's read index or its lease, or through the
 * leader's read index from elsewhere; the state machine here answers.
 */
export class SimReads {
  readonly #options: SimReadsOptions
  readonly #reads = new Map<number, Read>()
  /** Read indexes that peers wait for. */
  readonly #asked = new Map<number, Asked>()
  #leader: NodeId | null = null
  /** Values of registers as they were read last. */
  readonly seen = new Map<string, string>()
  #id = 0

  constructor(options: SimReadsOptions) {
    this.#options = options
  }

  get idle(): boolean {
    return this.#reads.size === 0
  }

  leaderIs(leader: NodeId | null): void {
    this.#leader = leader
  }

  begin(): void {
    const { node, observer, tell, random, now, drawKey } = this.#options
    const leader = this.#leader
    if (leader === null) return
    const id = ++this.#id
    const newestTerm = observer.leaseBegins()
    const began = { floor: observer.readBegins(), key: drawKey(), from: now(), newestTerm }
    if (leader !== node) {
      this.#reads.set(id, { what: 'forwarded read', ...began })
      const asked = { to: leader, body: new Uint8Array(1), timeoutMs: FORWARD_TIMEOUT_MS }
      return tell({ kind: 'forward', request: id, ...asked })
    }
    const lease = random() < 0.5
    this.#reads.set(id, { what: lease ? 'lease read' : 'read index', ...began })
    tell({ kind: 'readIndex', id, lease })
  }

  receive(message: ReadReply): void {
    switch (message.kind) {
      case 'readIndexDone':
        return this.#indexed(message.id, message.index)
      case 'readIndexFailed':
        this.#reads.delete(message.id)
        return this.#answer(message.id, REFUSED)
      case 'forwarded':
        return this.#serve(message)
      case 'forwardReply': {
        const { request, body } = message
        if (body === null || body.length === 0) this.#reads.delete(request)
        else this.#indexed(request, Number(new TextDecoder().decode(body)))
        return
      }
      case 'queryDone':
        for (const { id, outcome } of message.items) {
          if (outcome.ok) this.#ended(id, message.index, outcome.value as Answer)
          else this.#reads.delete(id)
        }
    }
  }

  #serve({ connection, request }: Extract<ReadReply, { kind: 'forwarded' }>): void {
    const id = ++this.#id
    this.#asked.set(id, { connection, request })
    this.#options.tell({ kind: 'readIndex', id, lease: false })
  }

  #indexed(id: number, index: LogIndex): void {
    this.#answer(id, new TextEncoder().encode(String(index)))
    const read = this.#reads.get(id)
    if (read === undefined) return
    const { node, observer } = this.#options
    if (read.what === 'lease read') observer.leaseGiven(node, read.newestTerm)
    this.#options.tell({ kind: 'query', minIndex: index, items: [{ id, request: read.key }] })
  }

  #answer(id: number, body: Uint8Array): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    if (asked !== undefined) this.#options.tell({ kind: 'answerForwarded', ...asked, body })
  }

  #ended(id: number, index: LogIndex, { count, value }: Answer): void {
    const read = this.#reads.get(id)
    this.#reads.delete(id)
    const { node, observer, now } = this.#options
    if (read === undefined) return
    const { what, floor, key, from } = read
    this.seen.set(key, value)
    observer.readEnded(node, what, floor, { index, count })
    observer.saw({ what, key, from, to: now(), count, value })
  }
}
