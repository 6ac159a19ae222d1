import { stateMachine } from '../fsm/define.js'
import type { StateMachineSpec } from '../fsm/spec.js'
import type { AdminOptions, NewServer, ServerChange } from '../node/administration.js'
import type { RaftNode } from '../node/raft-node.js'
import type { KvAnswer, KvRequest, KvResult } from './kv-queries.js'

/** What goes into and comes out of the key-value state machine. */
export interface KvTypes {
  readonly command: Uint8Array
  readonly result: KvResult
  readonly request: KvRequest
  readonly answer: KvAnswer
  readonly queries: Record<never, never>
}

/** The part of a RaftNode that the HTTP service uses. */
export type KvReplica = Pick<
  RaftNode<KvTypes>,
  | 'id'
  | 'state'
  | 'leader'
  | 'on'
  | 'apply'
  | 'query'
  | 'readIndex'
  | 'stats'
  | 'appliedIndex'
  | 'closed'
  | 'configuration'
  | 'peers'
  | 'config'
  | 'logStats'
  | 'transferLeadership'
  | 'restore'
> &
  KvMembership &
  KvSnapshots

interface ChangeOptions extends AdminOptions {
  readonly prevIndex?: number | undefined
}

/** A snapshot of a node's own state. */
export interface KvSnapshot {
  readonly index: number
  readonly term: number
  /** Bytes of state. */
  readonly bytes: number
  open(): Promise<AsyncIterable<Uint8Array> & { close(): Promise<void> }>
}

interface KvSnapshots {
  snapshot(): Promise<KvSnapshot>
  newestSnapshot(): Promise<KvSnapshot | null>
}

interface KvMembership {
  addVoter(server: NewServer, options: ChangeOptions): Promise<{ readonly index: number }>
  addNonvoter(server: NewServer, options: ChangeOptions): Promise<{ readonly index: number }>
  updateServer(
    id: string,
    change: ServerChange,
    options: ChangeOptions,
  ): Promise<{ readonly index: number }>
  removeServer(id: string, options: ChangeOptions): Promise<{ readonly index: number }>
}

/** The key-value state machine for `RaftNode.start({ stateMachine })`, on a thread of its own. */
export function keyValueStateMachine(): StateMachineSpec<KvTypes> {
  const url = new URL('./kv-machine.js', import.meta.url)
  // Borrowed: the machine copies each value once anyway, into memory of its own.
  return stateMachine<typeof import('./kv-machine.js')>(url, undefined, { entryData: 'borrowed' })
}
