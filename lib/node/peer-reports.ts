import type { NodeRequest, PeerReport } from '../../actors/consensus/protocol.js'
import type { AdminOptions } from './administration.js'
import type { ResolvedConfig } from './config.js'
import type { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import type { NodeView } from './node-view.js'
import { failureOf, LONGEST_REQUEST_MS, type PeerRequests } from './peer-requests.js'
import type { Calls, PendingCall } from './pending-call.js'

/** Asks consensus how the other members do: here, or where the leader is. */
export class PeerReports {
  readonly #host: PeerReportsHost
  readonly #calls = new Map<number, PendingCall<readonly PeerReport[]>>()
  #nextId = 1

  constructor(host: PeerReportsHost) {
    this.#host = host
  }

  ask(options: AdminOptions = {}): Promise<readonly PeerReport[]> {
    const { calls, config, view } = this.#host
    const { forward, ...limits } = options
    const call = calls.start<readonly PeerReport[]>('peers', limits, config.requestTimeoutMs, null)
    if (call.settled) return call.promise
    const to = forward === true ? view.remoteLeader : null
    if (to === null) this.#askHere(call)
    else this.#askThere(to, call)
    return call.promise
  }

  replied(id: number, peers: readonly PeerReport[]): void {
    this.#calls.get(id)?.resolve(peers)
  }

  #askHere(call: PendingCall<readonly PeerReport[]>): void {
    const id = this.#nextId++
    this.#calls.set(id, call)
    call.onSettled = () => this.#calls.delete(id)
    if (this.#host.tell({ kind: 'peers', id }, 0)) return
    call.reject(overloadedError(call.what, {}))
  }

  #askThere(to: string, call: PendingCall<readonly PeerReport[]>): void {
    const { timeoutMs } = call
    const longest = Math.min(timeoutMs, LONGEST_REQUEST_MS)
    const fail = (error: RaftError) => call.reject(error)
    this.#host.peers.send(to, { kind: 'peers', timeoutMs: longest }, longest, {
      replied: (reply) => {
        if (reply.kind === 'peers') call.resolve(reply.peers)
        else fail(failureOf(reply, to))
      },
      lost: fail,
      unsent: fail,
    })
  }
}

export interface PeerReportsHost {
  readonly config: ResolvedConfig
  readonly calls: Calls
  readonly view: NodeView
  readonly peers: PeerRequests
  tell(request: NodeRequest, bytes: number): boolean
}
