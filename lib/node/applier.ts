import type { Codec } from '../fsm/state-machine.js'
import { type CommandMessage, channels } from './channels.js'
import type { ResolvedConfig } from './config.js'
import { RaftError } from './errors.js'
import { mayGoElsewhere } from './forwarder.js'
import { keyMark } from './idempotency.js'
import type { NodeSide } from './node-side.js'
import type { Reject, ResolveApplied } from './pending-batch.js'
import type { PendingCall } from './pending-call.js'
import type { Placement } from './proposer.js'
import type { Applied, AppliedBatch, ApplyOptions } from './types.js'

// One executor for all promises of `apply`: a closure per command would be one object more.
let resolveCaptured: ResolveApplied
let rejectCaptured: Reject
const capture = (resolve: ResolveApplied, reject: Reject): void => {
  resolveCaptured = resolve
  rejectCaptured = reject
}

/** From a command to the promise of its result. */
export class Applier {
  readonly #side: NodeSide
  readonly #config: ResolvedConfig
  readonly #codec: Codec<unknown>

  constructor(side: NodeSide, config: ResolvedConfig, codec: Codec<unknown>) {
    this.#side = side
    this.#config = config
    this.#codec = codec
  }

  /** Without options: the hot path, no object per command beside the promise and its result. */
  apply(command: unknown): Promise<Applied> {
    const promise = new Promise<Applied>(capture)
    const resolve = resolveCaptured
    const reject = rejectCaptured
    try {
      this.#side.proposer.propose(this.#codec.encode(command), resolve, reject)
    } catch (error) {
      reject(error as RaftError)
    }
    return promise
  }

  applyWith(command: unknown, options: ApplyOptions): Promise<Applied> {
    if (options.trace !== undefined && channels.command.hasSubscribers) {
      const { trace, ...rest } = options
      return this.#applyTraced(command, rest, trace)
    }
    if (options.idempotencyKey !== undefined) {
      return this.#applyKeyed(command, options.idempotencyKey, options)
    }
    if (options.timeoutMs === undefined && options.signal === undefined) {
      if (options.forward !== true) return this.apply(command)
      if (this.#side.view.leads) return this.#applyHereFirst(command)
    }
    const { calls, proposer, forwarder } = this.#side
    const call = calls.start<Applied>('apply', options, this.#config.requestTimeoutMs)
    if (call.settled) return call.promise
    try {
      const data = this.#codec.encode(command)
      if (options.forward === true) forwarder.apply(call, copyOf(data))
      else tie(call, proposer.place(data, resolverOf(call), rejecterOf(call)))
    } catch (error) {
      call.reject(error as Error)
    }
    return call.promise
  }

  applyBatch(commands: readonly unknown[], options: ApplyOptions): Promise<AppliedBatch> {
    const { calls, proposer, forwarder } = this.#side
    const call = calls.start<AppliedBatch>('applyBatch', options, this.#config.requestTimeoutMs)
    if (call.settled) return call.promise
    try {
      if (commands.length === 0) throw empty()
      if (options.idempotencyKey !== undefined) throw noKeys()
      const data = commands.map((command) => this.#codec.encode(command))
      if (options.forward === true) forwarder.applyBatch(call, data.map(copyOf))
      else tie(call, proposer.placeAll(data, resolverOf(call), rejecterOf(call)))
    } catch (error) {
      call.reject(error as Error)
    }
    return call.promise
  }

  #applyTraced(command: unknown, options: ApplyOptions, trace: unknown): Promise<Applied> {
    const side = this.#side
    const [begunAt, startedAt, node] = [side.now(), side.wallClock(), side.view.id]
    const publish = (applied: Applied | null, error: Error | null): void => {
      const { index, term } = applied ?? { index: null, term: null }
      const times = index === null ? null : side.stages.timesOf(index)
      const durationMs = side.now() - begunAt
      const message = { node, trace, startedAt, durationMs, index, term, error, times }
      channels.command.publish(message satisfies CommandMessage)
    }
    const promise = this.applyWith(command, options)
    promise.then(
      (applied) => publish(applied, null),
      (error: Error) => publish(null, error),
    )
    return promise
  }

  #applyKeyed(command: unknown, key: string, options: ApplyOptions): Promise<Applied> {
    const { calls, forwarder } = this.#side
    const call = calls.start<Applied>('apply', options, this.#config.requestTimeoutMs)
    if (call.settled) return call.promise
    try {
      const data = copyOf(this.#codec.encode(command))
      const mark = keyMark(key, data, this.#config)
      forwarder.applyOnce(call, data, () => mark)
    } catch (error) {
      call.reject(error as Error)
    }
    return call.promise
  }

  /**
   * `forward: true` on the leader, nearly as cheap as without: only a command that this node refuses
   * after all becomes a call of its own, with the time that is left.
   */
  #applyHereFirst(command: unknown): Promise<Applied> {
    const promise = new Promise<Applied>(capture)
    const resolve = resolveCaptured
    const reject = rejectCaptured
    const { proposer } = this.#side
    try {
      const data = copyOf(this.#codec.encode(command))
      const dueAt = proposer.dueAt
      proposer.propose(data, resolve, (error) => {
        if (mayGoElsewhere(error)) this.#applyElsewhere(data, dueAt, resolve, reject)
        else reject(error)
      })
    } catch (error) {
      reject(error as RaftError)
    }
    return promise
  }

  #applyElsewhere(data: Uint8Array, dueAt: number, resolve: ResolveApplied, reject: Reject): void {
    const { calls, forwarder } = this.#side
    const timeoutMs = Math.max(1, dueAt - this.#side.now())
    const call = calls.start<Applied>('apply', { timeoutMs }, timeoutMs)
    call.promise.then(resolve, reject)
    if (!call.settled) forwarder.apply(call, data)
  }
}

/** The caller may reuse its bytes at once. Small ones come from Node's pool: no ArrayBuffer each. */
function copyOf(data: Uint8Array): Uint8Array {
  return Buffer.from(data)
}

function resolverOf<T>(call: PendingCall<T>): (value: T) => void {
  return (value) => call.resolve(value)
}

function rejecterOf<T>(call: PendingCall<T>): (error: RaftError) => void {
  return (error) => call.reject(error)
}

/** The call's time limit and the proposer's batch know of each other. */
function tie(
  call: PendingCall<Applied> | PendingCall<AppliedBatch>,
  placement: Placement | null,
): void {
  if (placement !== null) call.giveUp = () => placement.batch.giveUp(placement.position)
}

function empty(): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', 'applyBatch takes at least one command', {
    outcome: 'rejected',
  })
}

function noKeys(): RaftError {
  const message = 'applyBatch takes no idempotencyKey: a key is for one command'
  return new RaftError('RAFT_CONFIG_INVALID', message, { outcome: 'rejected' })
}
