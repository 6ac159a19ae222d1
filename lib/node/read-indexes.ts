import type { NodeRequest } from '../../actors/consensus/protocol.js'
import { Burst } from './burst.js'
import type { ResolvedConfig } from './config.js'
import type { Deadline, Deadlines } from './deadlines.js'
import type { RaftErrorCode } from './error-codes.js'
import type { RaftError } from './errors.js'
import { overloadedError, type RefusalReason } from './failures.js'
import type { NodeView } from './node-view.js'
import type { PeerRequests } from './peer-requests.js'
import type { Waiting } from './pending-call.js'

export interface ReadIndexHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly deadlines: Deadlines
  readonly peers: PeerRequests
  tell(request: NodeRequest, bytes: number): boolean
  readonly defer: (callback: () => void) => void
}

export interface ReadMode {
  /** By the leader's lease instead of a round of heartbeats. */
  readonly lease: boolean
  /** Only from this node's own leadership: verifyLeader, and what peers forward here. */
  readonly here: boolean
}

/** Reads that share one read index: all arrived before it was asked for (S10). */
interface Round {
  readonly mode: ReadMode
  readonly calls: Waiting<number>[]
}

/** A read repeats freely; after these another leader, or the same a little later, may answer. */
const retried: ReadonlySet<RaftErrorCode> = new Set<RaftErrorCode>([
  'RAFT_NOT_LEADER',
  'RAFT_NO_LEADER',
  'RAFT_TRANSFER_IN_PROGRESS',
  'RAFT_LEADERSHIP_LOST',
  'RAFT_CLOSED',
])

/** Read indexes, one for all reads of a burst, from this leader or over the transport from another. */
export class ReadIndexes {
  readonly #host: ReadIndexHost
  readonly #burst: Burst
  readonly #gathering: Round[] = []
  readonly #asked = new Map<number, Round>()
  /** Their last round failed, or no leader is known. */
  #waiting: Round[] = []
  #retry: Deadline | null = null
  #nextId = 1
  #joined = 0

  constructor(host: ReadIndexHost) {
    this.#host = host
    this.#burst = new Burst(
      () => this.#joined,
      () => this.#flush(),
      host.defer,
    )
  }

  /** The call resolves with an index that is applied here or will be: every earlier write is at or below it. */
  join(call: Waiting<number>, mode: ReadMode): void {
    let round = this.#gathering.find(
      (open) => open.mode.lease === mode.lease && open.mode.here === mode.here,
    )
    if (round === undefined) {
      round = { mode, calls: [] }
      this.#gathering.push(round)
    }
    round.calls.push(call)
    this.#joined++
    this.#burst.schedule()
  }

  done(id: number, index: number): void {
    this.#ended(id, index)
  }

  failed(id: number, reason: RefusalReason): void {
    this.#ended(id, this.#host.view.refusal(reason, null))
  }

  /** The status has changed: whoever waits for a leader may go on. */
  routesChanged(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const round of waiting) this.#ask(round)
  }

  #flush(): void {
    for (const round of this.#gathering.splice(0)) this.#ask(round)
  }

  #ask(round: Round): void {
    if (round.calls.every(({ settled }) => settled)) return
    const { view, peers, config } = this.#host
    const { lease, here } = round.mode
    const to = view.remoteLeader
    if (view.leads) this.#askHere(round)
    else if (here || to === null) this.#settle(round, view.notLeading(null))
    else peers.readIndex(to, lease, config.requestTimeoutMs, (index) => this.#settle(round, index))
  }

  #askHere(round: Round): void {
    const id = this.#nextId++
    this.#asked.set(id, round)
    if (this.#host.tell({ kind: 'readIndex', id, lease: round.mode.lease }, 0)) return
    this.#ended(id, overloadedError('read', { reads: round.calls.length }))
  }

  #ended(id: number, result: number | RaftError): void {
    const round = this.#asked.get(id)
    if (round === undefined) return
    this.#asked.delete(id)
    this.#settle(round, result)
  }

  #settle(round: Round, result: number | RaftError): void {
    if (typeof result === 'number') {
      for (const call of round.calls) call.resolve(result)
    } else if (round.mode.here || !retried.has(result.code)) {
      for (const call of round.calls) call.reject(result)
    } else this.#wait(round, result)
  }

  /** Rounds of one mode that wait become one: all their reads arrived before it is asked for. */
  #wait(round: Round, reason: RaftError): void {
    for (const call of round.calls) call.lastError = reason
    const same = this.#waiting.findIndex(({ mode }) => mode.lease === round.mode.lease)
    const calls = [...(this.#waiting[same]?.calls ?? []), ...round.calls]
    const merged = { mode: round.mode, calls: calls.filter(({ settled }) => !settled) }
    if (same === -1) this.#waiting.push(merged)
    else this.#waiting[same] = merged
    const { view, deadlines, config } = this.#host
    if (this.#retry !== null || (view.remoteLeader === null && !view.leads)) return
    this.#retry = deadlines.add(config.heartbeatIntervalMs, {
      due: () => {
        this.#retry = null
        this.routesChanged()
      },
    })
  }
}
