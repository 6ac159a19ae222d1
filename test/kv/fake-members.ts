import type { PeerReport } from '../../actors/consensus/protocol.js'
import type { Server } from '../../lib/core/types.js'
import type { AdminOptions, NewServer, ServerChange } from '../../lib/node/administration.js'
import { RaftError } from '../../lib/node/errors.js'

interface ChangeOptions extends AdminOptions {
  readonly prevIndex?: number | undefined
}

/** The members of a cluster that changes at once, and a record of who asked for what. */
export class FakeMembers {
  index = 1
  servers: readonly Server[]
  readonly calls: { readonly what: string; readonly options: ChangeOptions }[] = []
  readonly reports: readonly PeerReport[] = [
    { id: 'n2', matchIndex: 9, lastContactMs: 4.567, roundTripMs: 0.5, incarnation: 'known' },
  ]
  /** Thrown by the next changes. */
  failure: Error | null = null

  constructor(servers: readonly Omit<Server, 'suffrage' | 'addedAt'>[]) {
    this.servers = servers.map((server) => ({ ...server, suffrage: 'voter', addedAt: 1 }))
  }

  configuration() {
    return { index: this.index, committedIndex: this.index, servers: this.servers }
  }

  add(server: NewServer, suffrage: Server['suffrage'], options: ChangeOptions) {
    return this.#change(`add ${suffrage} ${server.id}`, options, () => [
      ...this.servers,
      { ...server, suffrage, addedAt: this.index + 1 },
    ])
  }

  update(id: string, change: ServerChange, options: ChangeOptions) {
    const defined = Object.entries(change).filter(([, value]) => value !== undefined)
    return this.#change(`update ${id} ${JSON.stringify(change)}`, options, () =>
      this.#known(id).map((server) =>
        server.id === id ? { ...server, ...Object.fromEntries(defined) } : server,
      ),
    )
  }

  remove(id: string, options: ChangeOptions) {
    return this.#change(`remove ${id}`, options, () =>
      this.#known(id).filter((server) => server.id !== id),
    )
  }

  #known(id: string): readonly Server[] {
    if (this.servers.some((server) => server.id === id)) return this.servers
    throw new RaftError('RAFT_UNKNOWN_SERVER', `there is no ${id}`)
  }

  async #change(what: string, options: ChangeOptions, next: () => readonly Server[]) {
    this.calls.push({ what, options })
    if (this.failure !== null) throw this.failure
    const { prevIndex } = options
    if (prevIndex !== undefined && prevIndex !== this.index) {
      throw new RaftError('RAFT_CONFIGURATION_CONFLICT', `it is ${this.index} by now`)
    }
    this.servers = next()
    this.index++
    return { index: this.index }
  }
}
