import { resolveLimits } from './limits.js'
import { ProcessNetwork } from './process-network.js'
import {
  type NetworkCounts,
  type NetworkEvent,
  type NetworkFaults,
  type NetworkTime,
  NO_FAULTS,
  SimCourier,
  type SlowLink,
} from './sim-courier.js'
import type { Purpose, TransportLimits, TransportSpec } from './transport.js'

export type {
  NetworkCounts,
  NetworkEvent,
  NetworkFaults,
  NetworkTime,
  SlowLink,
} from './sim-courier.js'
export { NO_FAULTS } from './sim-courier.js'

export interface SimNetworkOptions {
  /** The simulator's scheduler: its time, its order of events and its chance. */
  readonly time: NetworkTime
  readonly faults?: Partial<NetworkFaults>
  /** Called at everything but a plain delivery, in order: equal seeds give equal calls. */
  readonly onEvent?: (event: NetworkEvent) => void
}

/**
 * The network of a simulated cluster. Frames pass through the real codec; each takes its seeded time,
 * and may be lost, doubled, overtaken, or hit by a broken connection. Addresses are those that the
 * nodes listen on and dial from.
 */
export class SimNetwork {
  readonly #courier: SimCourier
  readonly #network: ProcessNetwork

  constructor(options: SimNetworkOptions) {
    this.#courier = new SimCourier(
      options.time,
      { ...NO_FAULTS, ...options.faults },
      options.onEvent,
    )
    this.#network = new ProcessNetwork(this.#courier)
  }

  /** What has happened so far. */
  get counts(): NetworkCounts {
    return this.#courier.counts
  }

  get faults(): NetworkFaults {
    return this.#courier.faults
  }

  /** Changes some of them; what is on its way keeps its fate. */
  setFaults(faults: Partial<NetworkFaults>): void {
    this.#courier.faults = { ...this.#courier.faults, ...faults }
  }

  /**
   * Nothing crosses from one to the other; the other direction is left alone. With a purpose: nothing on
   * connections for that alone, e.g. no data while heartbeats live.
   */
  cut(from: string, to: string, purpose?: Purpose): void {
    this.#courier.cut(from, to, purpose)
  }

  /** Nothing crosses between addresses of different groups. */
  partition(...groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group !== other) for (const a of group) for (const b of other) this.cut(a, b)
      }
    }
  }

  /** Ends every cut. What was held back comes late, unless its connection was given up meanwhile. */
  heal(): void {
    this.#courier.heal()
  }

  /** Ends the cut of this direction, or of its connections for one purpose, only. */
  healOneWay(from: string, to: string, purpose?: Purpose): void {
    this.#courier.healOneWay(from, to, purpose)
  }

  /** From now on this direction is slow; null makes it like the others again. */
  slow(from: string, to: string, link: SlowLink | null): void {
    this.#courier.slow(from, to, link)
  }

  /**
   * Breaks every connection between the two at the end of `a`. The other end hears of it later, and
   * frames of the old connections may reach it until then, after some of a new one.
   */
  reset(a: string, b: string): void {
    for (const pipe of this.#network.pipes) {
      if (pipe.own === a && pipe.other === b) pipe.reset()
    }
  }

  /** The process at this address is gone. Call it beside the crash of its actors. */
  crash(address: string): void {
    this.#network.crash(address)
  }

  /** Open ends of connections, as `1>` (dialled) and `1<` (accepted). */
  get connections(): readonly {
    readonly name: string
    readonly own: string
    readonly other: string
  }[] {
    return this.#network.pipes.map(({ name, own, other }) => ({ name, own, other }))
  }

  /** How the node at this address reaches the network. */
  transport(address: string, limits: Partial<TransportLimits> = {}): TransportSpec {
    const resolved = resolveLimits(limits)
    return {
      module: import.meta.url,
      options: {},
      advertise: address,
      create: (_options, context) => this.#network.transport(address, resolved, context),
    }
  }
}

/** The same as `network.transport(address, limits)`, beside the other transports' functions. */
export function simTransport(
  network: SimNetwork,
  address: string,
  limits: Partial<TransportLimits> = {},
): TransportSpec {
  return network.transport(address, limits)
}
