import type { RaftConfig } from '../node/config.js'
import type { ActorLogger } from '../runtime/actor.js'
import type { TraceEvent } from '../runtime/sim-host.js'
import type { Preemption } from '../runtime/sim-scheduler.js'
import type { NetworkFaults } from '../transport/sim-transport.js'
import type { ErasedSubject } from './subject.js'

/** How a simulated cluster begins. */
export interface SimClusterOptions {
  readonly seed: number
  /** Voters to begin with. */
  readonly nodes: number
  /** Machines that wait to be added. Default 0. */
  readonly spares?: number
  /** Mean time between two changes of members. Default 0: none. */
  readonly changeEveryMs?: number
  readonly config?: Partial<RaftConfig>
  readonly network?: Partial<NetworkFaults>
  /** Mean time between two batches that a leading program proposes. Default 5. */
  readonly proposeEveryMs?: number
  /** Mean time between two reads of each program. Default: proposeEveryMs. */
  readonly readEveryMs?: number
  /** Mean time between two transfers of leadership that it asks for. Default 0: none. */
  readonly transferEveryMs?: number
  /** Shortest flush; most take up to some times as long, a few much longer. Default 0.2. */
  readonly flushMs?: number
  /** How far clocks run from the world's, as a part of 1. Default 0. */
  readonly clockSkew?: number
  /** Each clock is off by just that: the first node's is slow, the others are fast. Default false. */
  readonly extremeClocks?: boolean
  /** How wrong a machine's wall clock may be when its process starts. Default 0. */
  readonly wallClockErrorMs?: number
  /** Clients that work through sessions. Default 0. */
  readonly sessions?: number
  /** State machines keep their own state across restarts of their node (S14). Default false. */
  readonly keepingMachines?: boolean
  /** A user's state machine beside the simulator's own. */
  readonly subject?: ErasedSubject
  /** S8: how threads are held up between two accesses to shared memory. Default: never. */
  readonly preemption?: Preemption
  readonly onEvent?: (event: TraceEvent) => void
  readonly logger?: ActorLogger
}
