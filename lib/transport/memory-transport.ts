import type { Courier, Parcel } from './courier.js'
import { resolveLimits } from './limits.js'
import { ProcessNetwork } from './process-network.js'
import type { CreateTransport, TransportLimits, TransportSpec } from './transport.js'

/**
 * A network inside one process, for tests. Everything arrives, in order, in a later turn of the event
 * loop, unless a pair of addresses is partitioned or cut.
 */
export class MemoryNetwork {
  readonly #courier = new ImmediateCourier()
  readonly #network = new ProcessNetwork(this.#courier)

  /** Nothing crosses between them until `heal`; connections stay and what was sent waits. */
  partition(a: string, b: string): void {
    this.#courier.block(a, b)
    this.#courier.block(b, a)
  }

  /** Like `partition` in one direction only. */
  partitionOneWay(from: string, to: string): void {
    this.#courier.block(from, to)
  }

  /** Partitions the address from all others, also those that come later. */
  isolate(address: string): void {
    this.#courier.isolate(address)
  }

  /** Breaks the connections between them; new ones can be made. */
  reset(a: string, b: string): void {
    const between = (own: string, other: string): boolean =>
      (own === a && other === b) || (own === b && other === a)
    for (const pipe of this.#network.pipes) if (between(pipe.own, pipe.other)) pipe.reset()
  }

  /** Ends every partition; what waited arrives. */
  heal(): void {
    this.#courier.heal()
  }

  /** The program at this address died: its connections break and its listener is gone. */
  crash(address: string): void {
    this.#network.crash(address)
  }

  create(address: string, limits: TransportLimits): CreateTransport {
    return (_options, context) => this.#network.transport(address, limits, context)
  }
}

/** A network between nodes of this process; each is given `memoryTransport(network, address)`. */
export function memoryNetwork(): MemoryNetwork {
  return new MemoryNetwork()
}

/** A node of an in-process network; its inbound and replicator actors run on the caller's thread. */
export function memoryTransport(
  network: MemoryNetwork,
  address: string,
  limits: Partial<TransportLimits> = {},
): TransportSpec {
  return {
    module: import.meta.url,
    options: {},
    advertise: address,
    create: network.create(address, resolveLimits(limits)),
  }
}

class ImmediateCourier implements Courier {
  readonly #blocked = new Set<string>()
  readonly #isolated = new Set<string>()
  /** What is held back, oldest first. */
  #held: (() => void)[] = []
  readonly #queue: (() => void)[] = []
  #scheduled = false

  carry(parcel: Parcel): void {
    this.soon(() => this.#arrive(parcel))
  }

  soon(callback: () => void): void {
    this.#queue.push(callback)
    this.#schedule()
  }

  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`)
  }

  isolate(address: string): void {
    this.#isolated.add(address)
  }

  heal(): void {
    this.#blocked.clear()
    this.#isolated.clear()
    // What was held is older than whatever is queued now.
    this.#queue.unshift(...this.#held)
    this.#held = []
    this.#schedule()
  }

  #arrive(parcel: Parcel): void {
    if (this.#blocks(parcel)) this.#held.push(() => this.#arrive(parcel))
    else parcel.arrive()
  }

  #blocks({ from, to }: Parcel): boolean {
    if (from === to) return false
    return this.#isolated.has(from) || this.#isolated.has(to) || this.#blocked.has(`${from} ${to}`)
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    setImmediate(() => this.#drain())
  }

  /** What is queued meanwhile has its turn in the next round: the event loop must not starve. */
  #drain(): void {
    this.#scheduled = false
    try {
      for (let left = this.#queue.length; left > 0; left--) this.#queue.shift()?.()
    } finally {
      this.#schedule()
    }
  }
}
