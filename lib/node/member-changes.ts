import type { NodeReply, NodeRequest } from '../../actors/consensus/protocol.js'
import type { MemberChange, NamedServer } from '../core/membership.js'
import type { NodeId } from '../core/types.js'
import type { AdminOptions } from './administration.js'
import type { ResolvedConfig } from './config.js'
import { RaftError } from './errors.js'
import { overloadedError } from './failures.js'
import { checkServer, type NamedServerOptions, type ServerOptions } from './member-options.js'
import type { NodeView } from './node-view.js'
import type { Calls, PendingCall } from './pending-call.js'

/** What a change of members depends on, and how long it may take. */
export interface ChangeOptions extends AdminOptions {
  /**
   * Compare-and-set: the index of the configuration that the caller has seen (`configuration()`). Another
   * one in force is RAFT_CONFIGURATION_CONFLICT. Default: any.
   */
  readonly prevIndex?: number | undefined
}

/** How a voter is added. */
export interface AddVoterOptions extends ChangeOptions {
  /** The new server counts for the quorum at once, before it has caught up. Default false. */
  readonly immediate?: boolean | undefined
}

/** What `updateServer` can change of a member. */
export interface ServerUpdate {
  readonly address?: string | undefined
  /** Replaces all of it. */
  readonly meta?: Readonly<Record<string, string>> | undefined
}

/** `index`: of the configuration that the change led to, committed. */
export interface Changed {
  readonly index: number
}

interface ChangesHost {
  readonly config: ResolvedConfig
  readonly view: NodeView
  readonly calls: Calls
  tell(request: NodeRequest, bytes: number): boolean
}

/**
 * Changes of the configuration, leader only. A call whose time runs out before its change has an entry in
 * the log gives it up; afterwards the change goes on, and the outcome is `unknown`.
 */
export class MemberChanges {
  readonly #host: ChangesHost
  readonly #calls = new Map<number, PendingCall<Changed>>()
  #nextId = 1

  constructor(host: ChangesHost) {
    this.#host = host
  }

  addVoter(server: NamedServerOptions, options: AddVoterOptions = {}): Promise<Changed> {
    const { immediate = false } = options
    return this.#named('addVoter', server, options, (checked) => ({
      kind: 'addVoter',
      server: checked,
      immediate,
    }))
  }

  addNonvoter(server: NamedServerOptions, options: ChangeOptions = {}): Promise<Changed> {
    return this.#named('addNonvoter', server, options, (checked) => ({
      kind: 'addNonvoter',
      server: checked,
    }))
  }

  demoteVoter(peer: NodeId, options: ChangeOptions = {}): Promise<Changed> {
    return this.#change('demoteVoter', { kind: 'demoteVoter', peer }, options)
  }

  removeServer(peer: NodeId, options: ChangeOptions = {}): Promise<Changed> {
    return this.#change('removeServer', { kind: 'removeServer', peer }, options)
  }

  updateServer(
    peer: NodeId,
    { address, meta }: ServerUpdate,
    options: ChangeOptions = {},
  ): Promise<Changed> {
    const update = { ...(address !== undefined && { address }), ...(meta && { meta }) }
    return this.#checked('updateServer', options, () => {
      checkServer({ id: peer, address: address ?? UNCHANGED, ...(meta && { meta }) })
      return { kind: 'updateServer', peer, ...update }
    })
  }

  reconfigure(servers: readonly ServerOptions[], options: ChangeOptions = {}): Promise<Changed> {
    return this.#checked('reconfigure', options, () => {
      if (!Array.isArray(servers)) throw notAList(servers)
      const checked = servers.map((server) => {
        const { suffrage = 'voter' } = server
        return { ...checkServer(server), suffrage }
      })
      return { kind: 'reconfigure', servers: checked }
    })
  }

  done(reply: Extract<NodeReply, { kind: 'changeDone' }>): void {
    const call = this.#calls.get(reply.id)
    if (call === undefined) return
    const { index, reason, outcome, detail } = reply
    if (reason === null) call.resolve({ index })
    else call.reject(explained(this.#host.view.refusal(reason, outcome), detail))
  }

  #named(
    what: string,
    server: NamedServerOptions,
    options: ChangeOptions,
    change: (server: NamedServer) => MemberChange,
  ): Promise<Changed> {
    return this.#checked(what, options, () => change(checkServer(server)))
  }

  async #checked(
    what: string,
    options: ChangeOptions,
    change: () => MemberChange,
  ): Promise<Changed> {
    return this.#change(what, change(), options)
  }

  #change(what: string, change: MemberChange, options: ChangeOptions): Promise<Changed> {
    const { config, view, calls } = this.#host
    const call = calls.start<Changed>(what, options, config.changeTimeoutMs)
    const prevIndex = options.prevIndex ?? 0
    if (!Number.isSafeInteger(prevIndex) || prevIndex < 0) call.reject(wrongIndex(prevIndex))
    if (!view.leads) call.reject(view.notLeading('rejected'))
    if (call.settled) return call.promise
    const id = this.#nextId++
    this.#calls.set(id, call)
    // From here on consensus may have begun with it.
    call.giveUp = () => {
      this.#host.tell({ kind: 'cancelChange', id }, 0)
      return 'unknown'
    }
    call.onSettled = () => this.#calls.delete(id)
    const told = this.#host.tell({ kind: 'changeMembers', id, change, prevIndex }, 0)
    if (!told) call.reject(overloadedError(what, {}))
    return call.promise
  }
}

/** Stands for an address that is not being changed. */
const UNCHANGED = '-'

/** The core's own words say more than the code's sentence. */
function explained(error: RaftError, detail: string): RaftError {
  if (detail === '') return error
  const { code, outcome, details } = error
  return new RaftError(code, `${error.message}: ${detail}`, {
    details,
    ...(outcome && { outcome }),
  })
}

function wrongIndex(found: unknown): RaftError {
  const message = `prevIndex: expected the index of a configuration, or 0 for any, found ${String(found)}`
  return new RaftError('RAFT_CONFIG_INVALID', message, {
    outcome: 'rejected',
    details: { option: 'prevIndex' },
  })
}

function notAList(found: unknown): RaftError {
  const message = `reconfigure: expected a list of servers, found ${String(found)}`
  return new RaftError('RAFT_CONFIG_INVALID', message, { outcome: 'rejected' })
}
