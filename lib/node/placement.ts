import type { StateMachineSpec } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import type { ActorSpec } from '../runtime/actor.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import type { TransportSpec } from '../transport/transport.js'

export type Where = 'inline' | 'thread' | 'shared'

/** Where each actor of a node runs: on the caller's thread, on one of its own, or on the shared one. */
export interface Placement {
  readonly consensus: Where
  readonly log: Where
  readonly fsm: Where
  readonly snapshot: Where
  readonly inbound: Where
  readonly replicators: Where
}

/**
 * `dedicated`: a thread for each actor, consensus on the caller's. `shared`: consensus, inbound and the
 * replicators together on one worker, the others as before. `compact`: all on the caller's thread. Or single
 * actors otherwise than `dedicated`: `{ consensus: 'worker', snapshot: 'caller', inbound: 'shared' }`.
 */
export type ThreadsOption =
  | 'dedicated'
  | 'shared'
  | 'compact'
  | { readonly [Actor in keyof Placement]?: 'caller' | 'worker' | SharedIf<Actor> }

type SharedIf<Actor> = Actor extends (typeof MAY_SHARE)[number] ? 'shared' : never

/** The others block their thread by nature: with them on it, disk and user code would delay heartbeats (S9). */
export const MAY_SHARE = ['consensus', 'inbound', 'replicators'] as const

const DEDICATED: Placement = {
  consensus: 'inline',
  log: 'thread',
  fsm: 'thread',
  snapshot: 'thread',
  inbound: 'thread',
  replicators: 'thread',
}

const SHARED: Placement = {
  ...DEDICATED,
  consensus: 'shared',
  inbound: 'shared',
  replicators: 'shared',
}

/** Name of the thread that actors of a node share. */
const SHARED_THREAD = 'raft'

/** For the actor system. */
export function hostOf(where: Where): ActorSpec['placement'] {
  return where === 'shared' ? { thread: SHARED_THREAD } : where
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
  if (threads === 'shared') return SHARED
  const all: Where = 'inline'
  if (threads === 'compact') {
    return { consensus: all, log: all, fsm: all, snapshot: all, inbound: all, replicators: all }
  }
  const changed = Object.entries(threads).map(([actor, where]) => [
    actor,
    where === 'worker' ? 'thread' : where === 'shared' ? 'shared' : 'inline',
  ])
  return { ...DEDICATED, ...Object.fromEntries(changed) }
}
