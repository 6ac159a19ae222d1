import type { StateMachineSpec } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import type { TransportSpec } from '../transport/transport.js'

type Where = 'inline' | 'thread'

/** Where each actor of a node runs: on the caller's thread, or on one of its own. */
export interface Placement {
  readonly consensus: Where
  readonly log: Where
  readonly fsm: Where
  readonly snapshot: Where
  readonly inbound: Where
  readonly replicators: Where
}

/**
 * `dedicated`: a thread for each actor, consensus on the caller's. `compact`: all on the caller's
 * thread. Or single actors otherwise than `dedicated`: `{ consensus: 'worker', snapshot: 'caller' }`.
 */
export type ThreadsOption =
  | 'dedicated'
  | 'compact'
  | { readonly [Actor in keyof Placement]?: 'caller' | 'worker' }

const DEDICATED: Placement = {
  consensus: 'inline',
  log: 'thread',
  fsm: 'thread',
  snapshot: 'thread',
  inbound: 'thread',
  replicators: 'thread',
}

/** What lives in this thread's memory (a spec with `create`) keeps its actor on this thread. */
export function placementOf(
  threads: ThreadsOption,
  parts: {
    readonly store: StoreSpec
    readonly snapshots: SnapshotStoreSpec
    readonly stateMachine: StateMachineSpec
    readonly transport: TransportSpec
  },
): Placement {
  const wanted = wantedPlacement(threads)
  const here = (spec: { readonly create?: unknown }, where: Where): Where =>
    spec.create === undefined ? where : 'inline'
  return {
    consensus: wanted.consensus,
    log: here(parts.store, wanted.log),
    fsm: here(parts.stateMachine, wanted.fsm),
    snapshot: here(parts.snapshots, wanted.snapshot),
    inbound: here(parts.transport, wanted.inbound),
    replicators: here(parts.transport, wanted.replicators),
  }
}

function wantedPlacement(threads: ThreadsOption): Placement {
  if (threads === 'dedicated') return DEDICATED
  const all: Where = 'inline'
  if (threads === 'compact') {
    return { consensus: all, log: all, fsm: all, snapshot: all, inbound: all, replicators: all }
  }
  const changed = Object.entries(threads).map(([actor, where]) => [
    actor,
    where === 'worker' ? 'thread' : 'inline',
  ])
  return { ...DEDICATED, ...Object.fromEntries(changed) }
}
