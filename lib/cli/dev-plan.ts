import { join } from 'node:path'
import type { ServerOptions } from '../node/options.js'
import { formatBootstrapList, type StoreName } from './option-values.js'

/** The options of `troupe dev`. */
export interface DevOptions {
  readonly nodes: number
  readonly store: StoreName
  readonly dir: string
  readonly fresh?: boolean
  /** Node i, from 1, listens on base + i. */
  readonly httpPort: number
  readonly raftPort: number
  readonly json?: boolean
  readonly exitWithParent?: boolean
}

/** One node of a local cluster, before it runs. */
export interface PlannedNode {
  readonly id: string
  readonly raft: string
  readonly http: string
  /** What `troupe` is given to run it. */
  readonly serveArgs: readonly string[]
}

export const devCluster = 'dev'
/** Half the default: all is on one machine, and whoever kills the leader wants to see the next one. */
const heartbeatTimeoutMs = 500
const host = '127.0.0.1'

export function planNodes(options: DevOptions): readonly PlannedNode[] {
  const numbers = Array.from({ length: options.nodes }, (_, i) => i + 1)
  const bootstrap = formatBootstrapList(
    numbers.map(
      (i): ServerOptions => ({
        id: `n${i}`,
        address: `${host}:${options.raftPort + i}`,
        meta: { http: `http://${host}:${options.httpPort + i}` },
      }),
    ),
  )
  return numbers.map((i) => {
    const id = `n${i}`
    const raft = `${host}:${options.raftPort + i}`
    const http = `${host}:${options.httpPort + i}`
    const { store, dir } = options
    const place = { cluster: devCluster, id, raft, http, dir: join(dir, id), store, bootstrap }
    const flags = Object.entries(place).flatMap(([flag, value]) => [`--${flag}`, value])
    const timing = ['--heartbeat-timeout-ms', String(heartbeatTimeoutMs)]
    return { id, raft, http, serveArgs: ['serve', ...flags, ...timing] }
  })
}
