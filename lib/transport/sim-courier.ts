import type { Timer } from '../runtime/actor.js'
import type { Courier, Lane, Parcel } from './courier.js'
import type { Purpose } from './transport.js'

/** What the network needs of the simulator's scheduler. */
export interface NetworkTime {
  now(): number
  atInside(time: number, callback: () => void): Timer
  /** Uniform in [0, 1). */
  random(): number
}

/** Rates are chances from 0 to 1 for each frame; handshakes are only delayed, cut or reset. */
export interface NetworkFaults {
  /** Time on the way, uniform between the two. */
  readonly minDelayMs: number
  readonly maxDelayMs: number
  /** The frame is lost and its connection lives on: harsher than TCP. */
  readonly dropRate: number
  readonly duplicateRate: number
  /** The frame overtakes or is overtaken within its own connection: harsher than TCP. */
  readonly reorderRate: number
  /** The connection breaks instead of carrying the frame. */
  readonly resetRate: number
  /** How much later than its last frame the other side may learn that a connection was closed. */
  readonly maxLingerMs: number
  /** A connection whose frames are held back by a cut for so long breaks on both sides. */
  readonly holdMs: number
}

export const NO_FAULTS: NetworkFaults = {
  minDelayMs: 0.05,
  maxDelayMs: 0.5,
  dropRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  resetRate: 0,
  maxLingerMs: 0,
  holdMs: 15_000,
}

export interface SlowLink {
  readonly extraDelayMs: number
  /** Bytes that pass in a millisecond. Default: no bound. */
  readonly bytesPerMs?: number
}

export interface NetworkCounts {
  readonly delivered: number
  readonly dropped: number
  readonly duplicated: number
  readonly reordered: number
  readonly resets: number
  readonly held: number
}

export interface NetworkEvent {
  readonly time: number
  readonly what: Exclude<keyof NetworkCounts, 'delivered'>
  readonly from: string
  readonly to: string
  readonly connection: string
  readonly bytes: number
}

/** What is under way in one lane, first sent first; each arrival takes the first. */
interface Queue {
  readonly lane: Lane
  readonly parcels: Parcel[]
  lastArrival: number
  /** Arrivals that a cut has held up, and since when. */
  stalled: number
  stalledSince: number
}

/** Seeded delays and faults. Every decision is drawn when a parcel is handed over. */
export class SimCourier implements Courier {
  faults: NetworkFaults
  readonly #time: NetworkTime
  readonly #onEvent: ((event: NetworkEvent) => void) | undefined
  readonly #counts = { delivered: 0, dropped: 0, duplicated: 0, reordered: 0, resets: 0, held: 0 }
  readonly #cuts = new Set<string>()
  readonly #slow = new Map<string, SlowLink>()
  /** When a slow link has room for the next bytes. */
  readonly #freeAt = new Map<string, number>()
  readonly #queues = new WeakMap<Lane, Queue>()
  readonly #stalled = new Set<Queue>()

  constructor(time: NetworkTime, faults: NetworkFaults, onEvent?: (event: NetworkEvent) => void) {
    this.#time = time
    this.faults = faults
    this.#onEvent = onEvent
  }

  get counts(): NetworkCounts {
    return { ...this.#counts }
  }

  soon(callback: () => void): void {
    this.#time.atInside(this.#time.now(), callback)
  }

  carry(parcel: Parcel): void {
    const { faults } = this
    const harmed = parcel.kind === 'data'
    if (parcel.kind !== 'close' && this.#happens(faults.resetRate)) return this.#reset(parcel)
    if (harmed && this.#happens(faults.dropRate)) return this.#drop(parcel)
    if (harmed && this.#happens(faults.reorderRate)) this.#overtake(parcel)
    else this.#enqueue(parcel)
    if (harmed && this.#happens(faults.duplicateRate)) {
      this.#note('duplicated', parcel)
      this.#enqueue(parcel)
    }
  }

  /** With a purpose: of the connections for that alone. */
  cut(from: string, to: string, purpose?: Purpose): void {
    this.#cuts.add(link(from, to, purpose))
  }

  heal(): void {
    this.#cuts.clear()
    this.#releaseStalled()
  }

  /** With a purpose: only what was cut for that alone. */
  healOneWay(from: string, to: string, purpose?: Purpose): void {
    this.#cuts.delete(link(from, to, purpose))
    this.#releaseStalled()
  }

  slow(from: string, to: string, slow: SlowLink | null): void {
    if (slow === null) this.#slow.delete(link(from, to))
    else this.#slow.set(link(from, to), slow)
  }

  #enqueue(parcel: Parcel): void {
    const queue = this.#queueOf(parcel.lane)
    queue.parcels.push(parcel)
    this.#scheduleArrival(queue, this.#delay(parcel))
  }

  #scheduleArrival(queue: Queue, delay: number): void {
    queue.lastArrival = Math.max(queue.lastArrival, this.#time.now() + delay)
    this.#time.atInside(queue.lastArrival, () => this.#arriveNext(queue))
  }

  #arriveNext(queue: Queue): void {
    const parcel = queue.parcels[0]
    // A lane that was given up has lost what its arrivals were for.
    if (parcel === undefined) return
    if (this.#isCut(parcel)) return this.#holdUp(queue, parcel)
    queue.parcels.shift()
    this.#deliver(parcel)
  }

  /** Outside its lane's order. */
  #overtake(parcel: Parcel): void {
    this.#note('reordered', parcel)
    this.#time.atInside(this.#time.now() + this.#delay(parcel), () => {
      if (this.#isCut(parcel)) this.#drop(parcel)
      else this.#deliver(parcel)
    })
  }

  #deliver(parcel: Parcel): void {
    this.#counts.delivered += 1
    parcel.arrive()
  }

  #reset(parcel: Parcel): void {
    this.#note('resets', parcel)
    this.soon(() => {
      parcel.lose()
      parcel.lane.reset()
    })
  }

  #drop(parcel: Parcel): void {
    this.#note('dropped', parcel)
    this.soon(() => parcel.lose())
  }

  /** A dial into a cut gets no answer; the rest waits, until the connection is given up. */
  #holdUp(queue: Queue, parcel: Parcel): void {
    this.#note('held', parcel)
    if (parcel.kind === 'open') {
      queue.parcels.shift()
      return parcel.lose()
    }
    if (queue.stalled++ > 0) return
    const since = this.#time.now()
    queue.stalledSince = since
    this.#stalled.add(queue)
    this.#time.atInside(since + this.faults.holdMs, () => {
      if (queue.stalled > 0 && queue.stalledSince === since) this.#giveUp(queue)
    })
  }

  #giveUp(queue: Queue): void {
    const parcels = queue.parcels.splice(0)
    this.#stalled.delete(queue)
    queue.stalled = 0
    for (const parcel of parcels) parcel.lose()
    queue.lane.reset()
  }

  #releaseStalled(): void {
    for (const queue of this.#stalled) {
      const first = queue.parcels[0]
      if (first !== undefined && this.#isCut(first)) continue
      this.#stalled.delete(queue)
      for (; queue.stalled > 0; queue.stalled--) {
        if (first !== undefined) this.#scheduleArrival(queue, this.#delay(first))
      }
    }
  }

  #queueOf(lane: Lane): Queue {
    let queue = this.#queues.get(lane)
    if (queue === undefined) {
      queue = { lane, parcels: [], lastArrival: 0, stalled: 0, stalledSince: 0 }
      this.#queues.set(lane, queue)
    }
    return queue
  }

  #isCut({ from, to, lane }: Parcel): boolean {
    if (this.#cuts.size === 0) return false
    return this.#cuts.has(link(from, to)) || this.#cuts.has(link(from, to, lane.purpose))
  }

  #delay(parcel: Parcel): number {
    const { minDelayMs, maxDelayMs, maxLingerMs } = this.faults
    const linger = parcel.kind === 'close' && maxLingerMs > 0 ? this.#time.random() : 0
    const delay = minDelayMs + this.#time.random() * (maxDelayMs - minDelayMs)
    const slow = this.#slow.get(link(parcel.from, parcel.to))
    const slowness = slow === undefined ? 0 : this.#slowness(parcel, slow)
    return delay + linger * maxLingerMs + slowness
  }

  /** All connections of a link share its rate. */
  #slowness(parcel: Parcel, { extraDelayMs, bytesPerMs }: SlowLink): number {
    if (bytesPerMs === undefined) return extraDelayMs
    const name = link(parcel.from, parcel.to)
    const now = this.#time.now()
    const freeAt = Math.max(now, this.#freeAt.get(name) ?? 0) + parcel.bytes / bytesPerMs
    this.#freeAt.set(name, freeAt)
    return extraDelayMs + freeAt - now
  }

  /** Draws only where something may happen, so that a fault at rate 0 does not change a run. */
  #happens(rate: number): boolean {
    return rate > 0 && this.#time.random() < rate
  }

  #note(what: NetworkEvent['what'], { from, to, lane, bytes }: Parcel): void {
    this.#counts[what] += 1
    this.#onEvent?.({ time: this.#time.now(), what, from, to, connection: lane.name, bytes })
  }
}

function link(from: string, to: string, purpose?: Purpose): string {
  return purpose === undefined ? `${from} ${to}` : `${from} ${to} ${purpose}`
}
