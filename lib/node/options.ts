import { resolve } from 'node:path'
import type { Server } from '../core/types.js'
import type { StateMachineSpec, StateMachineTypes } from '../fsm/spec.js'
import type { StoreSpec } from '../log/store.js'
import { lmdbStore } from '../log/stores.js'
import type { ActorLogger } from '../runtime/actor.js'
import { locate, type ModuleUrl } from '../runtime/module-url.js'
import type { SnapshotStoreSpec } from '../snapshot/store.js'
import { fileSnapshotStore, memorySnapshotStore } from '../snapshot/stores.js'
import type { TransportSpec } from '../transport/transport.js'
import { checkServers } from './bootstrap-list.js'
import type { RaftConfig, ResolvedConfig } from './config.js'
import { RaftError } from './errors.js'
import { checkOwnIdentity } from './own-identity.js'
import { MAY_SHARE, type Placement, placementOf, type ThreadsOption } from './placement.js'
import { resolveConfig } from './resolve-config.js'

/** One member of a bootstrap list. */
export type ServerOptions = Omit<Server, 'addedAt' | 'suffrage'> & {
  /** Default `voter`. */
  readonly suffrage?: Server['suffrage'] | undefined
}

/** What `RaftNode.start` takes. */
export interface RaftNodeOptions<Types extends StateMachineTypes = StateMachineTypes> {
  /** Name of the cluster, 1..64 bytes: in every handshake, and kept in the data directory. */
  readonly cluster: string
  /** Name of this node in the cluster, 1..256 bytes; it stays with the data directory. */
  readonly id: string
  /** Where everything durable is kept. Needed unless the store keeps nothing on disk. */
  readonly dataDir?: string | undefined
  readonly transport: TransportSpec
  /** Default lmdbStore(). One of your own: `{ module: URL, options }`. */
  readonly store?: StoreSpec | { readonly module: URL; readonly options?: unknown } | undefined
  /** Default: files in dataDir; memory when the store is in memory. */
  readonly snapshots?: SnapshotStoreSpec | undefined
  readonly stateMachine: StateMachineSpec<Types>
  /**
   * The members to begin with. Used only when the data directory holds no state, else ignored whatever
   * it says, so the same start-up code runs for ever.
   */
  readonly bootstrap?: readonly ServerOptions[] | undefined
  readonly config?: Partial<RaftConfig> | undefined
  /** Default `dedicated`: a thread for every actor but consensus. `compact`: all on this thread. */
  readonly threads?: ThreadsOption | undefined
  /**
   * For programs in a bundle: where the modules are that threads load. Called with `worker` (the thread's own,
   * `lib/runtime/worker-main.js` in this package), `consensus`, `log`, `fsm`, `snapshot`, `replicator`,
   * `inbound` (`actors/NAME/NAME-actor.js`), and with those of the store, the transport and the snapshots,
   * e.g. `lmdb-store`, `wal-store`, `tcp-transport`, `file-store`; `url` is where each would be looked for.
   */
  readonly actorUrl?: ModuleUrl | undefined
  /** pino fits. Silent without. */
  readonly logger?: ActorLogger | undefined
}

/** The options, complete and checked. */
export interface ResolvedOptions {
  readonly cluster: string
  readonly id: string
  readonly dataDir: string
  readonly transport: TransportSpec
  readonly store: StoreSpec
  readonly snapshots: SnapshotStoreSpec
  readonly stateMachine: StateMachineSpec
  readonly bootstrap: readonly Omit<Server, 'addedAt'>[] | null
  readonly config: ResolvedConfig
  /** What of it the program gave, and the frame limit it was checked against. */
  readonly given: Partial<RaftConfig>
  readonly maxPayloadBytes: number | undefined
  readonly placement: Placement
  readonly actorUrl: ModuleUrl | undefined
  readonly logger: ActorLogger | undefined
}

const MAX_CLUSTER_BYTES = 64
const MAX_ID_BYTES = 256

/** @throws RaftError RAFT_CONFIG_INVALID naming the option, what was found and what to do. */
export function resolveOptions(given: RaftNodeOptions<StateMachineTypes>): ResolvedOptions {
  for (const name of Object.keys(given)) {
    if (!known.has(name)) {
      throw invalid(name, `there is no such option; known are ${[...known].join(', ')}`)
    }
  }
  checkText('cluster', given.cluster, MAX_CLUSTER_BYTES)
  checkText('id', given.id, MAX_ID_BYTES)
  checkSpec('transport', given.transport, 'advertise', 'tcpTransport({ listen })')
  checkOwnIdentity(given.transport.options, given.cluster, given.id)
  checkStateMachine(given.stateMachine)
  const store = resolveStore(given.store)
  const snapshots = given.snapshots ?? snapshotsBeside(store)
  const maxPayloadBytes = payloadLimit(given.transport)
  const { actorUrl, stateMachine } = given
  checkActorUrl(actorUrl)
  const parts = {
    store: located(store, actorUrl),
    snapshots: located(snapshots, actorUrl),
    stateMachine,
    transport: located(given.transport, actorUrl),
  }
  return {
    ...parts,
    cluster: given.cluster,
    id: given.id,
    dataDir: resolveDataDir(given.dataDir, store),
    bootstrap: given.bootstrap === undefined ? null : checkServers(given.bootstrap, given.id),
    config: resolveConfig(given.config, maxPayloadBytes),
    given: { ...given.config },
    maxPayloadBytes,
    placement: resolvePlacement(given.threads, parts),
    actorUrl,
    logger: given.logger,
  }
}

const known: ReadonlySet<string> = new Set<keyof RaftNodeOptions>([
  'cluster',
  'id',
  'dataDir',
  'transport',
  'store',
  'snapshots',
  'stateMachine',
  'bootstrap',
  'config',
  'threads',
  'actorUrl',
  'logger',
])

export function checkStateMachine(given: StateMachineSpec): void {
  checkSpec('stateMachine', given, 'codec', 'stateMachine(url) or inlineStateMachine()')
}

function checkText(name: string, value: unknown, maxBytes: number): void {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0
  if (bytes >= 1 && bytes <= maxBytes) return
  const found = typeof value === 'string' ? `${bytes} bytes` : String(value)
  throw invalid(name, `expected text of 1 to ${maxBytes} bytes, found ${found}`)
}

function checkSpec(name: string, value: unknown, field: string, made: string): void {
  if (typeof value === 'object' && value !== null && field in value) return
  throw invalid(name, `expected what ${made} returns, found ${String(value)}`)
}

export function resolveStore(given: RaftNodeOptions['store']): StoreSpec {
  if (given === undefined) return lmdbStore()
  if (typeof given !== 'object' || given === null || !('module' in given)) {
    throw invalid(
      'store',
      `expected lmdbStore() or { module: URL, options }, found ${String(given)}`,
    )
  }
  const { module } = given
  if (!(module instanceof URL)) return given as StoreSpec
  return { module: module.href, options: given.options ?? {} }
}

function checkActorUrl(given: unknown): void {
  if (given === undefined || typeof given === 'function') return
  throw invalid('actorUrl', `expected a function (name, url) => URL, found ${String(given)}`)
}

/** What lives in this thread's memory is loaded from nowhere. */
function located<Spec extends { readonly module: string; readonly create?: unknown }>(
  spec: Spec,
  actorUrl: ModuleUrl | undefined,
): Spec {
  if (actorUrl === undefined || spec.create !== undefined) return spec
  return { ...spec, module: locate(actorUrl, new URL(spec.module)).href }
}

/** A store in memory that is started again finds the snapshots that go with it. */
const memorySnapshots = new WeakMap<StoreSpec, SnapshotStoreSpec>()

export function snapshotsBeside(store: StoreSpec): SnapshotStoreSpec {
  if (store.create === undefined) return fileSnapshotStore()
  const kept = memorySnapshots.get(store) ?? memorySnapshotStore()
  memorySnapshots.set(store, kept)
  return kept
}

export function resolveDataDir(given: unknown, store: StoreSpec): string {
  if (typeof given === 'string' && given.length > 0) return resolve(given)
  if (given === undefined && store.create !== undefined) return ''
  throw invalid('dataDir', `expected the path of a directory, found ${JSON.stringify(given)}`)
}

function resolvePlacement(
  threads: ThreadsOption | undefined,
  parts: Parameters<typeof placementOf>[1],
): Placement {
  const wanted = threads ?? 'dedicated'
  if (typeof wanted === 'string') {
    if (!['dedicated', 'shared', 'compact'].includes(wanted)) {
      throw invalid('threads', `expected dedicated, shared, compact or an object, found ${wanted}`)
    }
    return placementOf(wanted, parts)
  }
  const actors = Object.keys(placementOf('compact', parts))
  for (const [actor, where] of Object.entries(wanted)) {
    if (!actors.includes(actor)) {
      throw invalid('threads', `there is no actor ${actor}; known are ${actors.join(', ')}`)
    }
    const mayShare = (MAY_SHARE as readonly string[]).includes(actor)
    const known = mayShare ? ['caller', 'worker', 'shared'] : ['caller', 'worker']
    if (!known.includes(where)) {
      throw invalid('threads', `${actor} is ${known.join(' or ')}, found ${String(where)}`)
    }
  }
  return placementOf(wanted, parts)
}

/** The frame limit that the transport was given, if it says so in the usual place. */
function payloadLimit(transport: TransportSpec): number | undefined {
  const options = transport.options as { readonly maxPayloadBytes?: unknown } | null | undefined
  return typeof options?.maxPayloadBytes === 'number' ? options.maxPayloadBytes : undefined
}

function invalid(option: string, message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', `${option}: ${message}`, { details: { option } })
}
