import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { ConsensusSettings } from '../../actors/consensus/settings.js'
import type { Rejection } from '../core/effects.js'
import type { Configuration } from '../core/types.js'
import type { ResolvedConfig } from './config.js'
import { factsOf } from './error-codes.js'
import { raftErrorFromWire } from './error-wire.js'
import { codeOr, overloadedError, plainRefusal, refusalError } from './failures.js'
import type { NodeView } from './node-view.js'
import type { Calls, PendingCall } from './pending-call.js'
import type { NodeSnapshot } from './snapshots.js'
import type { CallOptions } from './types.js'

export interface RequestsHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly calls: Calls
  tell(request: NodeRequest, bytes: number): boolean
  /** Over the control lane. */
  control(request: NodeRequest): boolean
}

export type SnapshotTaken = Pick<NodeSnapshot, 'index' | 'term' | 'bytes'>

type Reply = Extract<
  NodeReply,
  {
    kind:
      | 'barrierDone'
      | 'barrierFailed'
      | 'transferDone'
      | 'snapshotDone'
      | 'bootstrapDone'
      | 'reloaded'
  }
>

/** The rare requests that consensus answers one by one. */
export class Requests {
  readonly #host: RequestsHost
  readonly #numbers = new Map<number, PendingCall<number>>()
  readonly #snapshots = new Map<number, PendingCall<SnapshotTaken>>()
  readonly #bootstraps = new Map<number, PendingCall<boolean>>()
  #nextId = 1

  constructor(host: RequestsHost) {
    this.#host = host
  }

  /** Resolves with an index; everything before it is applied here. */
  barrier(options: CallOptions | undefined): Promise<number> {
    const { config, view } = this.#host
    const call = this.#host.calls.start<number>('barrier', options, config.requestTimeoutMs)
    if (!view.leads) call.reject(view.notLeading('rejected'))
    return this.#ask(call, (id) => ({ kind: 'barrier', id }))
  }

  async transfer(to: string | null, options: CallOptions | undefined): Promise<void> {
    const { config, view } = this.#host
    const call = this.#host.calls.start<number>(
      'transferLeadership',
      options,
      config.changeTimeoutMs,
    )
    if (!view.leads) call.reject(view.notLeading('rejected'))
    await this.#ask(call, (id) => ({ kind: 'transfer', id, to }))
  }

  /** Resolves when it is durable. */
  snapshot(options: CallOptions | undefined): Promise<SnapshotTaken> {
    const { calls } = this.#host
    const call = calls.start<SnapshotTaken>('snapshot', options, Number.POSITIVE_INFINITY)
    if (call.settled) return call.promise
    const id = this.#nextId++
    this.#snapshots.set(id, call)
    call.giveUp = () => 'unknown'
    call.onSettled = () => this.#snapshots.delete(id)
    const told = this.#host.tell({ kind: 'takeSnapshot', id }, 0)
    if (!told) call.reject(overloadedError(call.what, {}))
    return call.promise
  }

  /** Resolves once consensus goes by the new settings. */
  async reload(settings: ConsensusSettings, options: CallOptions | undefined): Promise<void> {
    const { config, calls } = this.#host
    const call = calls.start<number>('reloadConfig', options, config.requestTimeoutMs, null)
    if (call.settled) return void (await call.promise)
    const id = this.#nextId++
    this.#numbers.set(id, call)
    call.onSettled = () => this.#numbers.delete(id)
    this.#host.control({ kind: 'reload', id, settings })
    await call.promise
  }

  /** False: this node already has that very configuration from its own bootstrap, or another one. */
  bootstrap(configuration: Configuration, options: CallOptions | undefined): Promise<boolean> {
    const { config, calls } = this.#host
    const call = calls.start<boolean>('bootstrap', options, config.changeTimeoutMs)
    if (call.settled) return call.promise
    const id = this.#nextId++
    this.#bootstraps.set(id, call)
    call.giveUp = () => 'unknown'
    call.onSettled = () => this.#bootstraps.delete(id)
    const told = this.#host.tell({ kind: 'bootstrap', id, configuration }, 0)
    if (!told) call.reject(overloadedError(call.what, {}))
    return call.promise
  }

  /** The number under which consensus settles a call with an index, by barrierDone or barrierFailed. */
  track(call: PendingCall<number>): number {
    const id = this.#nextId++
    this.#numbers.set(id, call)
    call.onSettled = () => this.#numbers.delete(id)
    return id
  }

  replied(reply: Reply): void {
    switch (reply.kind) {
      case 'barrierDone':
        this.#numbers.get(reply.id)?.resolve(reply.index)
        return
      case 'barrierFailed':
        this.#numbers.get(reply.id)?.reject(this.#host.view.refusal(reply.reason, reply.outcome))
        return
      case 'transferDone':
        this.#transferred(reply.id, reply.reason)
        return
      case 'reloaded':
        this.#numbers.get(reply.id)?.resolve(0)
        return
      case 'snapshotDone':
        this.#snapshotTaken(reply)
        return
      case 'bootstrapDone':
        this.#bootstrapped(reply.id, reply.reason)
    }
  }

  #ask(call: PendingCall<number>, request: (id: number) => NodeRequest): Promise<number> {
    if (call.settled) return call.promise
    const id = this.#nextId++
    this.#numbers.set(id, call)
    // From here on consensus may have begun with it.
    call.giveUp = () => 'unknown'
    call.onSettled = () => this.#numbers.delete(id)
    if (!this.#host.tell(request(id), 0)) call.reject(overloadedError(call.what, {}))
    return call.promise
  }

  #transferred(id: number, reason: Rejection | 'shutdown' | null): void {
    const call = this.#numbers.get(id)
    if (reason === null) call?.resolve(0)
    else if (reason === 'notLeader') call?.reject(this.#host.view.notLeading('rejected'))
    else call?.reject(plainRefusal(reason))
  }

  #snapshotTaken(reply: Extract<NodeReply, { kind: 'snapshotDone' }>): void {
    const { id, index, term, bytes, error } = reply
    const call = this.#snapshots.get(id)
    if (error === null) {
      call?.resolve({ index, term, bytes })
      return
    }
    const code = codeOr(error.code, 'RAFT_STORE_FAILED')
    call?.reject(raftErrorFromWire(error, code, factsOf(code).outcome))
  }

  #bootstrapped(id: number, reason: Rejection | null): void {
    const call = this.#bootstraps.get(id)
    if (reason === null) call?.resolve(true)
    else if (reason === 'alreadyBootstrapped') call?.resolve(false)
    else call?.reject(refusalError(reason, 'rejected'))
  }
}
