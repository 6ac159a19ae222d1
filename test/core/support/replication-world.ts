import { assert } from '../../../lib/core/assert.js'
import { Replication } from '../../../lib/core/replication.js'
import type {
  ChunkReply,
  FedChunk,
  ReplicationConfig,
  ReplicationInput,
  ReplicationOutput,
} from '../../../lib/core/replication-messages.js'
import type { AppendReply } from '../../../lib/core/rpc.js'
import type { SeededRandom } from '../../helpers/seeded-random.js'
import { type ModelAppend, type ModelChunk, ModelFollower } from './model-follower.js'
import { ModelLeader, type TestBatch } from './model-leader.js'

type Output = ReplicationOutput<TestBatch, FedChunk>
type Input = ReplicationInput<TestBatch, FedChunk>
type ToFollower = { readonly append: ModelAppend } | { readonly chunk: ModelChunk }
type ToLeader = { readonly append: AppendReply } | { readonly chunk: ChunkReply }

/** Two queues of one data connection. */
interface Connection {
  readonly requests: ToFollower[]
  readonly replies: ToLeader[]
}

const LEADER_TERM = 20
const CHUNK_BYTES = 40
/** A batch larger than the whole window. */
const OVERSIZE_BYTES = 1500

export const worldConfig: ReplicationConfig = {
  maxInflightBytes: 1000,
  maxInflightRequests: 5,
  maxAppendBytes: 300,
  commitTimeoutMs: 50,
  replicationStallTimeoutMs: 1000,
}

/**
 * One leader, one follower and the network between them, under a seed. Every step is checked: nothing is
 * reported as matched that the follower does not hold durably, the window keeps its bounds, every
 * batch that was fed is let go of exactly once.
 */
export class ReplicationWorld {
  readonly leader: ModelLeader
  readonly follower: ModelFollower
  readonly machine: Replication<TestBatch, FedChunk>
  readonly #random: SeededRandom
  now = 0
  faults = true
  #matched = 0
  #connection: Connection | null = null
  /** Broken connections whose requests may still reach the follower. */
  #lingering: Connection[] = []
  /** On the way between the leader's actors: these are not lost, only late. */
  readonly #local: Input[] = []
  /** Fed and not let go of. */
  readonly #held = new Map<TestBatch, number>()
  /** What happened, to see that a run was worth something. */
  readonly counts = { rejected: 0, resets: 0, crashes: 0, installs: 0, snapshots: 0, dropped: 0 }

  constructor(random: SeededRandom) {
    this.#random = random
    this.leader = new ModelLeader(random)
    this.follower = new ModelFollower(LEADER_TERM, this.#makeLogs())
    const { lastIndex, lastTerm } = this.leader
    const init = { term: LEADER_TERM, lastIndex, lastTerm, firstFeed: 1, firstTransfer: 1 }
    this.machine = new Replication({ ...init, config: worldConfig })
  }

  /** Logs that agree up to some entry; above it the leader's terms are even, the follower's odd. */
  #makeLogs(): readonly number[] {
    const random = this.#random
    let term = 2
    for (let i = random.below(40); i > 0; i--) {
      if (random.below(4) === 0 && term < LEADER_TERM - 2) term += 2
      this.leader.append(term, 1 + random.below(6), 20 + random.below(150))
    }
    const { batches, lastIndex } = this.leader
    const common = batches[random.below(batches.length + 1)]?.firstIndex ?? lastIndex + 1
    const terms: number[] = []
    for (let i = 1; i < common; i++) terms.push(this.leader.termAt(i) ?? 0)
    let odd = (terms.at(-1) ?? 0) + 1
    for (let i = random.below(3) * random.below(20); i > 0 && odd < LEADER_TERM; i--) {
      terms.push(odd)
      if (random.below(5) === 0) odd += 2
    }
    this.leader.commitIndex = random.below(common)
    if (random.below(3) === 0) this.leader.compact(random.below(300))
    this.leader.append(LEADER_TERM, 1, 30)
    return terms
  }

  get converged(): boolean {
    const { leader, follower } = this
    if (follower.lastIndex !== leader.lastIndex || follower.commitIndex !== leader.commitIndex) {
      return false
    }
    if (this.machine.matchIndex !== leader.lastIndex) return false
    for (let i = Math.max(leader.firstIndex, follower.baseIndex + 1); i <= leader.lastIndex; i++) {
      if (follower.termAt(i) !== leader.termAt(i)) return false
    }
    return true
  }

  /** One random thing happens. */
  step(): void {
    const roll = this.#random.below(100)
    if (this.faults && roll < 4) this.#fault(roll)
    else if (roll < 12) this.#leaderWorks()
    else if (roll < 22) this.#passTime()
    else if (roll < 45) this.#localDelivery()
    else if (roll < 55) this.#flush()
    else if (roll < 58) this.#install()
    else if (roll < 80) this.#toFollower()
    else this.#toLeader()
    this.#check()
  }

  #fault(kind: number): void {
    if (kind === 0) this.#disconnect()
    if (kind === 1) {
      this.counts.crashes++
      this.follower.crash()
      this.#disconnect()
    }
    const queue =
      this.#random.below(2) === 0 ? this.#connection?.requests : this.#connection?.replies
    if (kind === 2) queue?.shift()
    if (kind === 3) this.follower.full = this.#random.below(4) === 0
  }

  #leaderWorks(): void {
    const { leader } = this
    const random = this.#random
    const room = this.faults && leader.lastIndex < 400
    if (room && random.below(2) === 0) {
      leader.append(LEADER_TERM, 1 + random.below(5), random.below(12) === 0 ? OVERSIZE_BYTES : 60)
    }
    const span = leader.lastIndex - leader.commitIndex
    if (random.below(3) === 0) leader.commitIndex += random.below(span + 1)
    if (!this.faults) leader.commitIndex = leader.lastIndex
    if (this.faults && random.below(25) === 0) leader.compact(random.below(300))
  }

  #passTime(): void {
    const deadline = this.machine.deadline()
    const far = this.#random.below(3) === 0 && deadline !== null
    this.now = far ? Math.max(this.now, deadline) : this.now + this.#random.below(20)
    if (this.#connection === null) this.#connect()
    const due = this.machine.deadline()
    if (due === null || due > this.now) return
    this.#feed({ kind: 'tick' })
    const next = this.machine.deadline()
    assert(next === null || next > this.now, 'a tick serves what was due', { next, now: this.now })
  }

  #connect(): void {
    this.#connection = { requests: [], replies: [] }
    this.#feed({ kind: 'connected' })
  }

  #disconnect(): void {
    const { requests } = this.#connection ?? { requests: [] }
    if (this.#connection === null) return
    this.counts.resets++
    if (this.#random.below(2) === 0) this.#lingering.push({ requests, replies: [] })
    this.#connection = null
    this.#feed({ kind: 'disconnected' })
  }

  #localDelivery(): void {
    const message = this.#local.shift()
    if (message !== undefined) return this.#feed(message)
    const fed = this.leader.feed()
    if (fed === null) return
    for (const batch of fed.batches) this.#held.set(batch, (this.#held.get(batch) ?? 0) + 1)
    this.#local.push({ kind: 'batches', ...fed })
  }

  #flush(): void {
    for (const reply of this.follower.flush()) this.#connection?.replies.push({ append: reply })
  }

  #install(): void {
    const reply = this.follower.install()
    if (reply === null) return
    if (reply.installed) this.counts.installs++
    this.#connection?.replies.push({ chunk: reply })
  }

  /** A request of the connection, or one of a connection that the leader has given up already. */
  #toFollower(): void {
    const old = this.#random.below(4) === 0 ? this.#lingering[0] : undefined
    const connection = old ?? this.#connection
    const message = connection?.requests.shift()
    if (old?.requests.length === 0) this.#lingering.shift()
    if (connection === null || connection === undefined || message === undefined) return
    if ('chunk' in message) connection.replies.push({ chunk: this.follower.chunk(message.chunk) })
    else {
      const reply = this.follower.append(message.append)
      if (reply !== null) connection.replies.push({ append: reply })
    }
  }

  #toLeader(): void {
    const message = this.#connection?.replies.shift()
    if (message === undefined) return
    if ('chunk' in message) this.#feed({ kind: 'chunkReply', reply: message.chunk })
    else {
      if (!message.append.success) this.counts.rejected++
      this.#feed({ kind: 'appendReply', reply: message.append })
    }
  }

  #feed(input: Input): void {
    this.#out({ kind: 'committed', index: this.leader.commitIndex })
    this.#out(input)
  }

  #out(input: Input): void {
    for (const output of this.machine.step(this.now, input)) this.#carryOut(output)
  }

  #carryOut(output: Output): void {
    switch (output.kind) {
      case 'append':
        assert(
          this.leader.termAt(output.prevLogIndex) === output.prevLogTerm ||
            this.leader.termAt(output.prevLogIndex) === null,
          'prevLogTerm is the term of prevLogIndex',
          { ...output, batches: output.batches.length },
        )
        this.#letGo(output.batches)
        this.#connection?.requests.push({ append: output })
        return
      case 'sendChunk':
        this.#connection?.requests.push({ chunk: output })
        return
      case 'dropConnection':
        this.counts.dropped++
        this.#disconnect()
        return
      case 'matched':
        assert(output.matchIndex > this.#matched, 'matchIndex is monotonic', { ...output })
        this.#matched = output.matchIndex
        return
      case 'feed':
        this.leader.open(output.feed, output.fromIndex, output.creditBytes)
        return
      case 'credit':
        this.leader.credit(output.feed, output.bytes)
        return
      case 'wantChunk': {
        const chunk = this.leader.chunk(output.transfer, output.offset, CHUNK_BYTES)
        const failed = this.faults && this.#random.below(12) === 0
        this.#local.push({ kind: 'chunk', chunk: failed ? { ...chunk, failed } : chunk })
        return
      }
      case 'snapshotSent':
        this.counts.snapshots++
        return
      case 'release':
        this.#letGo(output.batches)
        return
      default:
        assert(false, 'nothing else is expected in one term', { ...output })
    }
  }

  #letGo(batches: readonly TestBatch[]): void {
    for (const batch of batches) {
      const left = (this.#held.get(batch) ?? 0) - 1
      assert(left >= 0, 'a batch is let go of once for each time it was fed', { ...batch })
      if (left === 0) this.#held.delete(batch)
      else this.#held.set(batch, left)
    }
  }

  #check(): void {
    const { requests, bytes } = this.machine.inflight
    const { maxInflightRequests, maxInflightBytes } = worldConfig
    assert(requests <= maxInflightRequests, 'the window is bounded in requests', { requests })
    // A batch that is larger than the window goes alone.
    const fits = bytes <= maxInflightBytes || bytes === OVERSIZE_BYTES
    assert(fits, 'the window is bounded in bytes', { bytes })
    let held = 0
    for (const [batch, times] of this.#held) held += batch.length * times
    // Credit may be exceeded by one batch; a feed that was replaced may still be on its way.
    assert(held <= 2 * (maxInflightBytes + OVERSIZE_BYTES), 'what is fed is bounded by credit', {
      held,
    })
    this.#checkMatch()
  }

  #checkMatch(): void {
    const { follower, leader } = this
    const match = this.machine.matchIndex
    assert(match === this.#matched, 'every move of matchIndex is reported', { match })
    assert(match <= leader.lastIndex, 'matchIndex is in the leader’s log', { match })
    assert(match <= follower.durableIndex, 'what matches is durable', {
      match,
      durable: follower.durableIndex,
    })
    for (let i = Math.max(follower.baseIndex, leader.firstIndex); i <= match; i++) {
      assert(follower.termAt(i) === leader.termAt(i), 'what matches is the same', { index: i })
    }
  }

  /** Nothing is left behind when the session ends. */
  end(): void {
    for (const output of this.machine.end()) this.#carryOut(output)
    for (const message of this.#local.splice(0)) this.#out(message)
    assert(this.#held.size === 0, 'every batch was let go of', { held: this.#held.size })
  }
}
