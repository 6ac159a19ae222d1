import { EventEmitter } from 'node:events'
import { isCommandError } from '../../lib/fsm/state-machine.js'
import { KeyValueMachine } from '../../lib/kv/kv-machine.js'
import type { KvRequest } from '../../lib/kv/kv-queries.js'
import type { KvReplica } from '../../lib/kv/replica.js'
import { createKvServer, type KvServerOptions } from '../../lib/kv/service.js'
import type { AdminOptions } from '../../lib/node/administration.js'
import { RaftError } from '../../lib/node/errors.js'
import type { RaftEvent } from '../../lib/node/events.js'
import { resolveConfig } from '../../lib/node/resolve-config.js'
import type {
  ApplyOptions,
  LeaderInfo,
  NodeState,
  NodeStats,
  QueryOptions,
} from '../../lib/node/types.js'
import { quietStats } from '../node/fixtures/quiet-stats.js'
import { FakeMembers } from './fake-members.js'
import { FakeSnapshots } from './fake-snapshots.js'

export const theLeader: LeaderInfo = {
  id: 'n2',
  address: '127.0.0.1:7702',
  meta: { http: 'http://127.0.0.1:8702' },
}

/** A cluster of one that commits at once, and fails on demand. */
export class FakeReplica {
  readonly id = 'n1'
  readonly machine = new KeyValueMachine()
  state: NodeState = 'follower'
  leader: LeaderInfo | null = theLeader
  lastContactMs: number | null = 12.3
  index = 10
  actors: NodeStats['actors'] = []
  /** Thrown by the next calls. */
  failure: Error | null = null
  readIndexFailure: Error | null = null
  readonly members = new FakeMembers([theLeader])
  readonly transfers: { readonly to: string | undefined; readonly options: unknown }[] = []
  readonly snapshots = new FakeSnapshots()
  readonly #events = new EventEmitter()
  readonly queries: (QueryOptions | undefined)[] = []
  readonly applies: (ApplyOptions | undefined)[] = []

  async apply(command: Uint8Array, options?: ApplyOptions) {
    this.applies.push(options)
    if (this.failure !== null) throw this.failure
    const index = ++this.index
    try {
      return { index, term: 3, result: this.machine.apply({ index, command }) }
    } catch (error) {
      if (!isCommandError(error)) throw error
      const { code, details, message } = error
      throw new RaftError('RAFT_COMMAND_REJECTED', message, {
        details: { index, term: 3, code, details },
      })
    }
  }

  async query(request: KvRequest, options?: QueryOptions) {
    this.queries.push(options)
    if (this.failure !== null) throw this.failure
    return { index: this.index, result: this.machine.query(request) }
  }

  async readIndex() {
    if (this.readIndexFailure !== null) throw this.readIndexFailure
    return this.index
  }

  async configuration() {
    return this.members.configuration()
  }

  async logStats() {
    const flushTimes = { p50Ms: 1, p99Ms: 2.345, maxMs: 3 }
    const counts = { flushes: 7, appendedBytes: 0, appendedBatches: 0, lastFlushMs: 1 }
    return { ...counts, flushTimes, storeBytes: 4096 }
  }

  readonly config = resolveConfig({})

  peers: KvReplica['peers'] = async () => (this.state === 'leader' ? this.members.reports : [])

  readonly addVoter = (...[server, options]: Parameters<KvReplica['addVoter']>) =>
    this.members.add(server, 'voter', options)

  readonly addNonvoter = (...[server, options]: Parameters<KvReplica['addNonvoter']>) =>
    this.members.add(server, 'nonvoter', options)

  readonly updateServer = (...args: Parameters<KvReplica['updateServer']>) =>
    this.members.update(...args)

  readonly removeServer = (...args: Parameters<KvReplica['removeServer']>) =>
    this.members.remove(...args)

  async snapshot() {
    return this.snapshots.take(this.index)
  }

  async newestSnapshot() {
    return this.snapshots.newest
  }

  async restore(...[meta, source]: Parameters<KvReplica['restore']>) {
    await this.snapshots.restore(meta, source)
    return { index: ++this.index }
  }

  async transferLeadership(to?: string, options?: AdminOptions) {
    this.transfers.push({ to, options })
    if (this.failure !== null) throw this.failure
  }

  readonly on: KvReplica['on'] = (kind, listener) => {
    const heard = (event: RaftEvent) => (listener as (event: RaftEvent) => void)(event)
    this.#events.on(kind, heard)
    return () => this.#events.off(kind, heard)
  }

  /** This node hears of another leader. */
  follow(leader: LeaderInfo): void {
    this.leader = leader
    const event = { kind: 'leader', leader: leader.id, term: 4, node: this.id, at: 0 } as const
    this.#events.emit('leader', event)
  }

  /** Those who wait for events. */
  get listeners(): number {
    return this.#events.listenerCount('leader')
  }

  get appliedIndex(): number {
    return this.index
  }

  readonly closed = new Promise<never>(() => {})

  /** Of a node that has done nothing yet, and is where a test says. */
  stats(): NodeStats {
    return {
      ...quietStats(),
      id: this.id,
      cluster: 'test',
      state: this.state,
      term: 3,
      leader: this.leader?.id ?? null,
      commitIndex: this.index,
      appliedIndex: this.index,
      lastLogIndex: this.index + 1,
      flushedIndex: this.index,
      lastContactMs: this.lastContactMs,
      snapshotIndex: 0,
      servers: this.members.servers,
      pendingEntries: 0,
      pendingReads: 0,
      refusedForLoad: 0,
      actors: this.actors,
    }
  }
}

/** A server before a fake replica, for `inject`. */
export function fakeService(
  listen = '127.0.0.1:8701',
  options: Pick<KvServerOptions, 'tokens' | 'tls' | 'hostNames'> = {},
) {
  const node = new FakeReplica()
  const faults: unknown[] = []
  const logger = { error: (fields: object) => void faults.push(fields) }
  const app = createKvServer({ node: node satisfies KvReplica, listen, logger, ...options })
  return { node, app, faults }
}
