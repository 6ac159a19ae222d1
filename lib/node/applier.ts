import type { Codec } from '../fsm/state-machine.js'
import type { ResolvedConfig } from './config.js'
import { RaftError } from './errors.js'
import type { NodeSide } from './node-side.js'
import type { Reject, ResolveApplied } from './pending-batch.js'
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
    const { calls, proposer, forwarder } = this.#side
    const call = calls.start<Applied>('apply', options, this.#config.requestTimeoutMs)
    if (call.settled) return call.promise
    try {
      const data = this.#codec.encode(command)
      if (options.forward === true) forwarder.apply(call, new Uint8Array(data))
      else {
        const placement = proposer.place(
          data,
          (applied) => call.resolve(applied),
          (error) => call.reject(error),
        )
        if (placement !== null) call.giveUp = () => placement.batch.giveUp(placement.position)
      }
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
      const data = commands.map((command) => this.#codec.encode(command))
      if (options.forward === true) {
        forwarder.applyBatch(
          call,
          data.map((bytes) => new Uint8Array(bytes)),
        )
      } else {
        const placement = proposer.placeAll(
          data,
          (applied) => call.resolve(applied),
          (error) => call.reject(error),
        )
        if (placement !== null) call.giveUp = () => placement.batch.giveUp(placement.position)
      }
    } catch (error) {
      call.reject(error as Error)
    }
    return call.promise
  }
}

function empty(): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', 'applyBatch takes at least one command', {
    outcome: 'rejected',
  })
}
