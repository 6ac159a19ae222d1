import { statfs } from 'node:fs/promises'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import type { PeerReport } from '../../actors/consensus/protocol.js'
import { forAdmin } from './access.js'
import type { KvReplica } from './replica.js'
import { noParameters } from './request-parameters.js'
import { packageVersion } from './version.js'

/** Milliseconds of the latest of something. */
export interface Delays {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** The answer of `GET /diagnostics`: what `troupe doctor` looks at. */
export interface Diagnostics {
  readonly id: string
  readonly cluster: string
  readonly version: string
  /** This node's clock, ms since the epoch. */
  readonly time: number
  /** Of the log's latest 1024 flushes; `count`: all since the start. */
  readonly flush: Delays & { readonly count: number }
  /** How late the service's thread, which is also that of consensus, came to what was due; null: not measured. */
  readonly eventLoopDelay: Delays | null
  readonly storeBytes: number
  /** Of the file system that holds the data directory; null: there is none. */
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number } | null
  readonly rssBytes: number
  readonly timeouts: Timeouts
  /** On the leader: how the others do. */
  readonly peers: readonly PeerReport[]
}

/** The options of a node that must fit its disk and its network. */
export interface Timeouts {
  readonly heartbeatTimeoutMs: number
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly leaderLeaseTimeoutMs: number
}

/** What is measured beside the timer's own interval, which the histogram counts too. */
const resolutionMs = 10

/** `/diagnostics`. */
export function diagnosticsRoute(
  app: FastifyInstance,
  node: KvReplica,
  dataDir: string | undefined,
): void {
  let delays: IntervalHistogram | null = null
  app.addHook('onListen', async () => {
    delays = monitorEventLoopDelay({ resolution: resolutionMs })
    delays.enable()
  })
  app.addHook('onClose', async () => void delays?.disable())
  app.get('/diagnostics', forAdmin, async ({ query }) => {
    noParameters(query)
    const { id, cluster } = node.stats()
    const { flushes: count, flushTimes, storeBytes } = await node.logStats()
    const answer: Diagnostics = {
      id,
      cluster,
      version: packageVersion(),
      time: Date.now(),
      flush: { count, ...rounded(flushTimes) },
      eventLoopDelay: delays === null ? null : delaysOf(delays),
      storeBytes,
      disk: dataDir === undefined ? null : await diskOf(dataDir),
      rssBytes: process.memoryUsage.rss(),
      timeouts: timeoutsOf(node),
      peers: await node.peers(),
    }
    return answer
  })
}

function timeoutsOf({ config }: KvReplica): Timeouts {
  const { heartbeatTimeoutMs, electionTimeoutMs } = config
  const { heartbeatIntervalMs, leaderLeaseTimeoutMs } = config
  return { heartbeatTimeoutMs, electionTimeoutMs, heartbeatIntervalMs, leaderLeaseTimeoutMs }
}

function delaysOf(histogram: IntervalHistogram): Delays {
  const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs)
  if (histogram.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 }
  return rounded({
    p50Ms: ms(histogram.percentile(50)),
    p99Ms: ms(histogram.percentile(99)),
    maxMs: ms(histogram.max),
  })
}

/** Null where the system does not tell. */
export async function diskOf(path: string): Promise<Diagnostics['disk']> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch {
    return null
  }
}

function rounded({ p50Ms, p99Ms, maxMs }: Delays): Delays {
  const round = (ms: number) => Math.round(ms * 100) / 100
  return { p50Ms: round(p50Ms), p99Ms: round(p99Ms), maxMs: round(maxMs) }
}
