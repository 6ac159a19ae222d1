import type { NodeRequest, PeerReport } from '../../actors/consensus/protocol.js'
import type { ResolvedConfig } from './config.js'
import { overloadedError } from './failures.js'
import type { Calls, PendingCall } from './pending-call.js'
import type { CallOptions } from './types.js'

/** Asks consensus how the other members do. */
export class PeerReports {
  readonly #host: PeerReportsHost
  readonly #calls = new Map<number, PendingCall<readonly PeerReport[]>>()
  #nextId = 1

  constructor(host: PeerReportsHost) {
    this.#host = host
  }

  ask(options: CallOptions | undefined): Promise<readonly PeerReport[]> {
    const { calls, config, tell } = this.#host
    const call = calls.start<readonly PeerReport[]>('peers', options, config.requestTimeoutMs, null)
    if (call.settled) return call.promise
    const id = this.#nextId++
    this.#calls.set(id, call)
    call.onSettled = () => this.#calls.delete(id)
    if (!tell({ kind: 'peers', id }, 0)) call.reject(overloadedError(call.what, {}))
    return call.promise
  }

  replied(id: number, peers: readonly PeerReport[]): void {
    this.#calls.get(id)?.resolve(peers)
  }
}

export interface PeerReportsHost {
  readonly config: ResolvedConfig
  readonly calls: Calls
  tell(request: NodeRequest, bytes: number): boolean
}
