import type { Server, Suffrage } from '../core/types.js'
import type { ResolvedConfig } from './config.js'
import type { Deadlines } from './deadlines.js'
import { isRaftError, type RaftError } from './errors.js'
import { mayGoElsewhere } from './forwarder.js'
import type { ServerOptions } from './member-options.js'
import type { NodeView } from './node-view.js'
import { failureOf, LONGEST_REQUEST_MS, type PeerRequests } from './peer-requests.js'
import type { Calls } from './pending-call.js'
import type { CallOptions } from './types.js'
import type { Waiters } from './waiters.js'

/** What operators ask of a cluster and its leader does. */
export type AdminRequest =
  | {
      readonly kind: 'addVoter'
      readonly server: NewServer
      readonly prevIndex?: number | undefined
      readonly immediate?: boolean | undefined
    }
  | {
      readonly kind: 'addNonvoter'
      readonly server: NewServer
      readonly prevIndex?: number | undefined
    }
  | {
      readonly kind: 'demoteVoter' | 'removeServer'
      readonly id: string
      readonly prevIndex?: number | undefined
    }
  | {
      readonly kind: 'updateServer'
      readonly id: string
      readonly change: ServerChange
      readonly prevIndex?: number | undefined
    }
  | {
      readonly kind: 'reconfigure'
      readonly servers: readonly ServerOptions[]
      readonly prevIndex?: number | undefined
    }
  | { readonly kind: 'transfer'; readonly to: string | null }

/** A server that becomes a member. */
export type NewServer = Omit<Server, 'addedAt' | 'suffrage'>

/** What may change of a member; what is left out stays as it is. */
export interface ServerChange {
  readonly address?: string | undefined
  /** Replaces all of it. */
  readonly meta?: Readonly<Record<string, string>> | undefined
  /** `voter` promotes once the member has caught up; `nonvoter` demotes. */
  readonly suffrage?: Suffrage | undefined
}

/** What changes of members and transfers take. */
export interface AdminOptions extends CallOptions {
  /**
   * True: on a node that does not lead, the request is sent to the leader, one hop; while there is none,
   * it waits for one. Repeated only when certainly nothing was changed. Default false.
   */
  readonly forward?: boolean | undefined
}

/** Does it on this node, which leads or refuses; resolves with the index of the change, 0 for a transfer. */
export type LocalAdministration = (request: AdminRequest, options: CallOptions) => Promise<number>

export interface AdministrationHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly calls: Calls
  readonly waiters: Waiters
  readonly deadlines: Deadlines
  readonly peers: PeerRequests
  readonly local: LocalAdministration
  now(): number
}

/** The leader is asked to be done so much earlier, because it knows better what has become of a change. */
const MARGIN_MS = 250

/** So many election timeouts are plenty for the next leader to be elected and heard. */
const SUCCESSION_TIMEOUTS = 5

/**
 * Brings an operator's request to the leader, wherever it is. As with commands (S17) it is tried again
 * only when nothing of it was begun; one that was sent and has no answer is `unknown`.
 */
export class Administration {
  readonly #host: AdministrationHost

  constructor(host: AdministrationHost) {
    this.#host = host
  }

  async run(request: AdminRequest, options: AdminOptions = {}): Promise<number> {
    const { forward, ...limits } = options
    if (forward !== true) return this.#host.local(request, limits)
    const { config, view, now } = this.#host
    const what = nameOf(request)
    const timeoutMs = limits.timeoutMs ?? config.changeTimeoutMs
    const deadlineAt = now() + timeoutMs
    const rest = (): CallOptions =>
      timeoutMs > 0 ? { ...limits, timeoutMs: Math.max(1, deadlineAt - now()) } : limits
    for (;;) {
      await this.#leaderKnown(what, rest())
      const to = view.remoteLeader
      try {
        return await (to === null ? this.serve(request, rest()) : this.#send(to, request, rest()))
      } catch (error) {
        if (request.kind === 'removeServer' && isAnswerLost(error)) {
          return this.#removed(request.id, rest(), error)
        }
        if (!mayRepeat(request, error)) throw error
        await this.#pause(what, rest(), error)
      }
    }
  }

  /** On this node, for its own program or for another node. */
  async serve(request: AdminRequest, options: CallOptions): Promise<number> {
    const { view } = this.#host
    // Whoever asks for what is the case already has been served.
    if (request.kind === 'transfer' && view.leads && request.to === view.id) return 0
    return this.#host.local(request, options)
  }

  #leaderKnown(what: string, options: CallOptions): Promise<void> {
    const { calls, waiters, config, view } = this.#host
    const call = calls.start<void>(what, options, config.changeTimeoutMs)
    if (view.leader === null) call.lastError = view.notLeading('rejected')
    if (!call.settled) waiters.wait(call, { leader: true })
    return call.promise
  }

  #send(to: string, request: AdminRequest, options: CallOptions): Promise<number> {
    const { calls, config, peers } = this.#host
    const call = calls.start<number>(nameOf(request), options, config.changeTimeoutMs)
    if (call.settled) return call.promise
    call.giveUp = () => 'unknown'
    const longest = Math.min(call.timeoutMs, LONGEST_REQUEST_MS)
    const timeoutMs = Math.max(longest / 2, longest - MARGIN_MS)
    const fail = (error: RaftError) => call.reject(error)
    peers.send(to, { kind: 'administer', request, timeoutMs }, longest, {
      replied: (reply) => {
        if (reply.kind === 'index') call.resolve(reply.index)
        else fail(failureOf(reply, to))
      },
      lost: fail,
      unsent: fail,
    })
    return call.promise
  }

  /**
   * A leader that removes itself is gone before its answer has arrived, or this node has hung up on it. Its
   * successor soon tells of a committed configuration without it; without that the answer stays lost.
   */
  async #removed(id: string, options: CallOptions, lost: RaftError): Promise<number> {
    const { calls, waiters, config, view } = this.#host
    const longestMs = SUCCESSION_TIMEOUTS * config.electionTimeoutMs
    const timeoutMs = Math.min(options.timeoutMs ?? longestMs, longestMs)
    const call = calls.start<void>('removeServer', { ...options, timeoutMs }, timeoutMs)
    call.giveUp = () => 'unknown'
    if (!call.settled) {
      waiters.until(call, ({ configuration, committedConfigurationIndex }) => {
        const { servers } = configuration.configuration
        const committed = configuration.index <= committedConfigurationIndex
        return committed && !servers.some((server) => server.id === id)
      })
    }
    await call.promise.catch(() => Promise.reject(lost))
    return view.status.configuration.index
  }

  /** Until the leader that refused, or our knowledge of it, may have changed. */
  #pause(what: string, options: CallOptions, reason: RaftError): Promise<void> {
    const { calls, config, deadlines } = this.#host
    const call = calls.start<void>(what, options, config.changeTimeoutMs)
    call.lastError = reason
    const deadline = deadlines.add(config.heartbeatIntervalMs, { due: () => call.resolve() })
    call.onSettled = () => deadline.cancel()
    return call.promise
  }
}

/** The answer was lost on its way, or with the leader. */
function isAnswerLost(error: unknown): error is RaftError {
  return isRaftError(error, 'RAFT_LEADERSHIP_LOST') && error.outcome === 'unknown'
}

/** A transfer that finds another leader may have come too late: repeated, it would move leadership twice. */
function mayRepeat(request: AdminRequest, error: unknown): error is RaftError {
  return request.kind !== 'transfer' && isRaftError(error) && mayGoElsewhere(error)
}

function nameOf(request: AdminRequest): string {
  return request.kind === 'transfer' ? 'transferLeadership' : request.kind
}
