import { MachineTrouble } from './machine-trouble.js'
import { NetworkTrouble } from './network-trouble.js'
import type { Profile } from './profiles.js'
import type { SimCluster } from './sim-cluster.js'
import { Trouble, type Troubles } from './trouble.js'

/** Brings trouble to a cluster, drawn from the scheduler's seed, until it is told to stop. */
export class Nemesis {
  readonly #trouble: Trouble
  readonly #parts: readonly { stop(): void }[]

  constructor(cluster: SimCluster, profile: Profile, heartbeatTimeoutMs: number) {
    this.#trouble = new Trouble(cluster, profile, heartbeatTimeoutMs)
    this.#parts = [new MachineTrouble(this.#trouble), new NetworkTrouble(this.#trouble)]
  }

  get totals(): Readonly<Troubles> {
    return this.#trouble.totals
  }

  /** Faults off: everything is repaired, but machines that are down stay down. */
  stop(): void {
    this.#trouble.active = false
    for (const part of this.#parts) part.stop()
  }
}
