import type { ActorContext } from '../runtime/actor.js'
import type { Courier, Lane, Parcel } from './courier.js'
import { TransportError } from './errors.js'
import type { Pipe, PipeEvents } from './pipe.js'
import type { Purpose } from './transport.js'

/** Runs of bytes on their way. Their memory is read when they arrive, as late as a socket might. */
class Parcelled {
  #runs: readonly Uint8Array[]
  #copy: Uint8Array | null = null
  readonly written: (() => void) | undefined
  readonly bytes: number

  constructor(runs: readonly Uint8Array[], written: (() => void) | undefined) {
    this.#runs = runs
    this.written = written
    this.bytes = runs.reduce((sum, run) => sum + run.length, 0)
  }

  copy(): Uint8Array {
    this.#copy ??= concat(this.#runs, this.bytes)
    this.#runs = []
    return this.#copy
  }
}

/** One end of a connection inside a process; `courier` is what lies between the ends. */
export class ProcessPipe implements Pipe, Lane {
  readonly name: string
  readonly own: string
  readonly other: string
  readonly identities = null
  readonly purpose: Purpose
  readonly #courier: Courier
  readonly #context: ActorContext
  readonly #onClosed: (pipe: ProcessPipe) => void
  readonly #inFlight = new Set<Parcelled>()
  #events: PipeEvents | null = null
  #peer: ProcessPipe | null = null
  #state: 'open' | 'ending' | 'closed' = 'open'
  #sent = 0
  #bufferedBytes = 0
  #paused = false
  /** Arrived while paused; the sender's memory is held until they are taken. */
  #waiting: (() => Uint8Array)[] = []
  /** The other side's end, behind what waits. */
  #ended: { readonly error: Error | null } | null = null

  constructor(
    name: string,
    ends: { readonly own: string; readonly other: string; readonly purpose: Purpose },
    courier: Courier,
    context: ActorContext,
    onClosed: (pipe: ProcessPipe) => void,
  ) {
    this.name = name
    this.own = ends.own
    this.other = ends.other
    this.purpose = ends.purpose
    this.#courier = courier
    this.#context = context
    this.#onClosed = onClosed
  }

  attach(events: PipeEvents): void {
    this.#events = events
  }

  /** The connection exists from this moment on this side. */
  connect(peer: ProcessPipe): void {
    this.#peer = peer
  }

  connected(): void {
    if (this.#state === 'open') this.#context.turn(() => this.#events?.connected())
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  write(runs: readonly Uint8Array[], written?: () => void): void {
    const parcelled = new Parcelled(runs, written)
    this.#inFlight.add(parcelled)
    this.#bufferedBytes += parcelled.bytes
    const kind = this.#sent++ === 0 ? 'handshake' : 'data'
    this.#carry(kind, parcelled.bytes, {
      arrive: () =>
        this.#peer?.arrived(() => {
          const bytes = parcelled.copy()
          this.#finished(parcelled)
          return bytes
        }),
      lose: () => this.#finished(parcelled),
    })
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#waiting.length > 0 || this.#ended !== null) this.#courier.soon(() => this.#drain())
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#carry('close', 0, {
      arrive: () => {
        this.#peer?.endedByPeer(null)
        this.fail(null)
      },
      lose: () => this.fail(null),
    })
  }

  destroy(): void {
    if (this.#state === 'closed') return
    this.fail(null)
    this.#carryEnd(null)
  }

  /** Lane: this end breaks now, the other when word of it arrives. Again: the other end breaks too. */
  reset(): void {
    const error = connectionReset(this.other, this.own)
    if (this.#state === 'closed') return this.#peer?.fail(error)
    this.fail(connectionReset(this.own, this.other))
    this.#carryEnd(error)
  }

  /** This end is closed. What it sent and is still under way may yet arrive on the other side. */
  fail(error: Error | null): void {
    if (this.#state === 'closed') return
    const writtens = this.#close()
    this.#courier.soon(() =>
      this.#context.turn(() => {
        for (const written of writtens) written()
        this.#events?.closed(error)
      }),
    )
  }

  /** The program of this end is gone: nobody is told. The other side finds out. */
  abandon(): void {
    if (this.#state === 'closed') return
    this.#close()
    this.#carryEnd(connectionReset(this.other, this.own))
  }

  /** `take` gives the bytes and lets go of the sender's memory. */
  arrived(take: () => Uint8Array): void {
    if (this.#paused && this.#state !== 'closed') this.#waiting.push(take)
    else this.#receive(take())
  }

  endedByPeer(error: Error | null): void {
    if (this.#paused) this.#ended = { error }
    else this.fail(error)
  }

  #receive(bytes: Uint8Array): void {
    this.#context.turn(() => {
      // The turn may come later than the bytes: the simulator's actors can be busy.
      if (this.#state !== 'closed') this.#events?.received(bytes)
    })
  }

  #drain(): void {
    while (!this.#paused && this.#state !== 'closed') {
      const take = this.#waiting.shift()
      if (take === undefined) break
      this.#receive(take())
    }
    if (!this.#paused && this.#ended !== null) this.fail(this.#ended.error)
  }

  #finished(parcelled: Parcelled): void {
    if (!this.#inFlight.delete(parcelled)) return
    this.#bufferedBytes -= parcelled.bytes
    const { written } = parcelled
    if (written !== undefined) this.#context.turn(written)
  }

  #close(): readonly (() => void)[] {
    this.#state = 'closed'
    const writtens: (() => void)[] = []
    for (const parcelled of this.#inFlight) {
      // The owner may reuse the memory once told; the bytes themselves may still arrive.
      parcelled.copy()
      if (parcelled.written !== undefined) writtens.push(parcelled.written)
    }
    this.#inFlight.clear()
    this.#bufferedBytes = 0
    this.#waiting = []
    this.#onClosed(this)
    return writtens
  }

  #carryEnd(error: Error | null): void {
    this.#carry('close', 0, { arrive: () => this.#peer?.endedByPeer(error), lose: () => {} })
  }

  #carry(kind: Parcel['kind'], bytes: number, fate: Pick<Parcel, 'arrive' | 'lose'>): void {
    this.#courier.carry({ kind, from: this.own, to: this.other, lane: this, bytes, ...fate })
  }
}

function concat(runs: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const run of runs) {
    bytes.set(run, offset)
    offset += run.length
  }
  return bytes
}

function connectionReset(own: string, other: string): TransportError {
  const message = `the connection of ${own} with ${other} was reset`
  return new TransportError('RAFT_CONNECTION_LOST', message, { own, other })
}
