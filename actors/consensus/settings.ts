import type { CoreConfig } from '../../lib/core/core-state.js'
import type { SnapshotPolicy } from './snapshot-desk.js'

/** What of the consensus actor's options may change while it runs (`reload`). */
export interface ConsensusSettings {
  readonly core: CoreConfig
  readonly snapshots: SnapshotPolicy
  /** Time between ticks; also how fresh this actor's sign of life is for the replicators (S11). */
  readonly tickMs: number
  /** Bytes given to the state machine and not yet applied. */
  readonly maxApplyBytes: number
  /** Bytes committed and not yet applied; past it proposals are refused (S18). */
  readonly maxApplyLagBytes: number
}

/** The settings in force. Parts keep this object and read it when they need it. */
export class LiveSettings {
  #now: ConsensusSettings

  constructor(settings: ConsensusSettings) {
    this.#now = settings
  }

  get now(): ConsensusSettings {
    return this.#now
  }

  replace(settings: ConsensusSettings): void {
    this.#now = settings
  }
}
