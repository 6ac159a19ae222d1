import type { IndexedConfiguration, Server } from '../core/types.js'
import { checkServers, sameServers } from './bootstrap-list.js'
import { refusalError } from './failures.js'
import type { NodeSide } from './node-side.js'
import type { ServerOptions } from './options.js'
import type { CallOptions } from './types.js'

/** Bootstrapping is idempotent: the list that a data directory began with is kept, and compared. */
export class Bootstrapper {
  readonly #side: NodeSide
  readonly #id: string
  #begun: readonly Omit<Server, 'addedAt'>[] | null

  /** `persisted`: the list that the data directory was bootstrapped with, if it was. */
  constructor(side: NodeSide, id: string, persisted: IndexedConfiguration | null) {
    this.#side = side
    this.#id = id
    this.#begun = persisted?.configuration.servers ?? null
  }

  async bootstrap(
    list: readonly ServerOptions[],
    options: CallOptions | undefined,
  ): Promise<{ readonly bootstrapped: boolean }> {
    const servers = checkServers(list, this.#id)
    if (this.#begun !== null) return this.#compared(servers)
    const configuration = { servers: servers.map((server) => ({ ...server, addedAt: 1 })) }
    const bootstrapped = await this.#side.requests.bootstrap(configuration, options)
    if (bootstrapped) this.#begun = servers
    return { bootstrapped }
  }

  #compared(servers: readonly Omit<Server, 'addedAt'>[]): { readonly bootstrapped: boolean } {
    const persisted = this.#begun ?? []
    if (sameServers(persisted, servers)) return { bootstrapped: false }
    throw refusalError('bootstrapMismatch', 'rejected', { persisted, given: servers })
  }
}
