import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { RestoreBegun, SnapshotMessage } from '../../actors/snapshot/protocol.js'
import type { ActorRef } from '../runtime/actor.js'
import { raftErrorFrom } from './error-wire.js'
import { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import type { NodeView } from './node-view.js'
import type { Calls, PendingCall } from './pending-call.js'
import type { Requests } from './requests.js'
import { RestoreBytes } from './restore-bytes.js'
import type { Restored, RestoreMeta, RestoreSource } from './restore-types.js'
import type { CallOptions } from './types.js'

export interface RestorerHost {
  readonly view: NodeView
  readonly calls: Calls
  readonly requests: Requests
  tell(request: NodeRequest, bytes: number): boolean
}

type Ready = Extract<NodeReply, { kind: 'restoreReady' }>
type Refused = Extract<NodeReply, { kind: 'restoreRefused' }>

/** One restore, and what there is to take back when it ends before its time. */
interface Attempt {
  readonly id: number
  readonly call: PendingCall<number>
  readonly meta: RestoreMeta
  begun: RestoreBegun | null
  /** Where the snapshot stands, once consensus has said so; until it is told to take it. */
  place: Ready | null
  /** From here on consensus decides what becomes of it. */
  committed: boolean
}

/**
 * A user's restore, seen from the program: the source goes to the snapshot actor, chunk by chunk, while
 * everything goes on as ever; then consensus says where the snapshot has to stand, it is made durable
 * there, and consensus puts it in the place of the log. Whatever fails before that has changed nothing.
 */
export class Restorer {
  readonly #host: RestorerHost
  readonly #waiting = new Map<number, (reply: Ready | Refused) => void>()
  /** Those that wait until this leader has committed an entry of its own term. */
  #early: (() => void)[] = []

  constructor(host: RestorerHost) {
    this.#host = host
  }

  async restore(
    meta: RestoreMeta,
    source: RestoreSource,
    options: CallOptions | undefined,
    snapshots: () => ActorRef<SnapshotMessage>,
  ): Promise<Restored> {
    const { calls, view, requests } = this.#host
    const call = calls.start<number>('restore', options, Number.POSITIVE_INFINITY)
    const wrong = call.settled ? null : checkArguments(meta, source)
    if (wrong !== null) call.reject(wrong)
    else if (!call.settled && !view.leads) call.reject(view.notLeading('rejected'))
    if (!call.settled) {
      const id = requests.track(call)
      call.giveUp = () => 'rejected'
      const attempt = { id, call, meta, begun: null, place: null, committed: false }
      void this.#run(attempt, source, snapshots)
    }
    return { index: await call.promise }
  }

  statusChanged(): void {
    const { leads, status } = this.#host.view
    if (this.#early.length === 0 || (leads && !status.ready)) return
    const early = this.#early
    this.#early = []
    for (const goOn of early) goOn()
  }

  replied(reply: Ready | Refused): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    waiting?.(reply)
  }

  async #run(
    attempt: Attempt,
    source: RestoreSource,
    snapshots: () => ActorRef<SnapshotMessage>,
  ): Promise<void> {
    const { call } = attempt
    try {
      await this.#receive(attempt, source, snapshots())
      if (!call.settled) await this.#put(attempt, snapshots())
    } catch (error) {
      if (!call.settled) call.reject(rejected(error))
    }
    // After that the call waits for the no-op behind the snapshot.
    if (!attempt.committed) this.#takeBack(attempt, snapshots)
  }

  async #receive(
    attempt: Attempt,
    source: RestoreSource,
    snapshots: ActorRef<SnapshotMessage>,
  ): Promise<void> {
    const { call, meta } = attempt
    const { term, configuration } = this.#host.view.status
    // A place for the time being: where it will stand is known when all of it is here.
    const place = { index: meta.index, term: Math.max(term, 1), configuration }
    attempt.begun = await snapshots.ask<RestoreBegun>({ kind: 'beginRestore', ...place })
    const { restore } = attempt.begun
    const bytes = new RestoreBytes(source, meta, call.promise)
    for (let chunk = await bytes.next(); chunk !== null; chunk = await bytes.next()) {
      await snapshots.ask({ kind: 'writeRestore', restore, bytes: chunk })
    }
  }

  async #put(attempt: Attempt, snapshots: ActorRef<SnapshotMessage>): Promise<void> {
    const { id, call, meta, begun } = attempt
    await this.#termBegun(call)
    const reply = await this.#begin(id, meta.index)
    if (call.settled || begun === null) return
    if (reply.kind === 'restoreRefused') throw this.#host.view.refusal(reply.reason, 'rejected')
    attempt.place = reply
    const { index, term, configuration } = reply
    const { restore } = begun
    await snapshots.ask({ kind: 'finishRestore', restore, index, term, configuration })
    if (call.settled) return
    this.#waiting.set(id, (answer) => this.#commitRefused(attempt, answer))
    if (!this.#tell({ kind: 'restoreCommit', id, index, term }))
      throw overloadedError('restore', {})
    attempt.committed = true
    call.giveUp = () => 'unknown'
  }

  /** Consensus refuses a leader that does not know yet what is committed. */
  #termBegun(call: PendingCall<number>): Promise<void> {
    return new Promise((resolve) => {
      this.#early.push(resolve)
      const ended = (): void => resolve()
      call.promise.then(ended, ended)
      this.statusChanged()
    })
  }

  #begin(id: number, index: number): Promise<Ready | Refused> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, resolve)
      if (this.#tell({ kind: 'restoreBegin', id, index })) return
      this.#waiting.delete(id)
      reject(overloadedError('restore', {}))
    })
  }

  #commitRefused({ call }: Attempt, answer: Ready | Refused): void {
    if (answer.kind === 'restoreRefused')
      call.reject(this.#host.view.refusal(answer.reason, 'rejected'))
  }

  #takeBack({ id, begun, place }: Attempt, snapshots: () => ActorRef<SnapshotMessage>): void {
    this.#waiting.delete(id)
    this.#tell({ kind: 'restoreCancel', id })
    if (begun === null) return
    try {
      const ref = snapshots()
      // A snapshot actor that is gone has left nothing that its successor would not remove.
      ref.ask({ kind: 'abortRestore', restore: begun.restore }).catch(() => {})
      if (place === null) return
      const { index, term } = place
      ref.tell({ kind: 'discard', index, term, undone: true })
    } catch {
      // The node has ended.
    }
  }

  #tell(request: NodeRequest): boolean {
    return this.#host.tell(request, 0)
  }
}

/** Nothing has changed, whatever it was. */
function rejected(error: unknown): RaftError {
  return raftErrorFrom(error, 'RAFT_STORE_FAILED', 'rejected')
}

function checkArguments(meta: RestoreMeta, source: RestoreSource): RaftError | null {
  const { index, size } = meta ?? {}
  if (!isCount(index) || index < 1 || index > LAST_INDEX) {
    return invalid('index', `a whole number from 1 to ${LAST_INDEX}`, index)
  }
  if (size !== undefined && !isCount(size)) return invalid('size', 'a number of bytes', size)
  if (typeof source?.[Symbol.asyncIterator] === 'function') return null
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    'restore: the source is an AsyncIterable of Uint8Array, e.g. a stream.Readable',
    { outcome: 'rejected' },
  )
}

/** Room for all entries that will ever follow. */
const LAST_INDEX = 2 ** 52

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function invalid(field: string, expected: string, found: unknown): RaftError {
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    `restore: meta.${field} is ${expected}; found ${String(found)}`,
    { outcome: 'rejected', details: { field, value: String(found) } },
  )
}
