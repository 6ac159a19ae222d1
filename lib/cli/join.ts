import { after } from '../runtime/clock.js'
import { Failure } from './failure.js'
import { leadersView } from './members.js'
import type { NodeClient } from './node-client.js'
import { noteLine } from './output.js'

/** A node that wants to become a member. */
export interface Joiner {
  readonly id: string
  readonly cluster: string
  /** Where the members reach it. */
  readonly address: string
  readonly http: string
}

/** How long one request may wait for this node to catch up; the next one goes on from there. */
const catchUpMs = 60_000
const marginMs = 5000
const firstPauseMs = 250
const longestPauseMs = 5000

/** Refusals that another attempt would only hear again. */
const final: ReadonlySet<string> = new Set([
  'RAFT_CONFIG_INVALID',
  'HTTP_BAD_REQUEST',
  'HTTP_UNAUTHORIZED',
  'HTTP_FORBIDDEN',
])

/**
 * Asks a running cluster to take this node as a voter, once it has caught up; asks again until it is
 * one. Resolves with the index of the configuration in which it votes.
 * @throws Failure when the cluster is another one, or refuses for good.
 */
export async function joinCluster(
  client: NodeClient,
  joiner: Joiner,
  signal: AbortSignal,
): Promise<number> {
  const { id, address, http } = joiner
  const body = { id, address, suffrage: 'voter', meta: { http } }
  let told = ''
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      await checkCluster(client, joiner)
      const path = `/members?timeoutMs=${catchUpMs}`
      const sent = { method: 'POST', body, timeoutMs: catchUpMs + marginMs } as const
      const { index } = await client.json<{ readonly index: number }>(path, sent)
      return index
    } catch (error) {
      signal.throwIfAborted()
      if (isFinal(error)) throw error
      const { message } = error as Error
      if (message !== told) noteLine(`${id} has not joined yet, and goes on trying: ${message}`)
      told = message
      await refuseIfLost(client, id)
    }
    await pause(pauseMs, signal)
  }
}

async function checkCluster(client: NodeClient, { id, cluster }: Joiner): Promise<void> {
  const found = await client.status()
  if (found.id === id) {
    throw new Failure(`--join ${client.url} is this node itself; name another one`, { final: true })
  }
  if (found.cluster === cluster) return
  const message = `--join ${client.url} is a node of cluster ${found.cluster}, not of ${cluster}`
  throw new Failure(message, { code: 'RAFT_CLUSTER_MISMATCH', final: true })
}

/**
 * S16: a member whose directory is another one than before is turned away, and where it has never been
 * told of the cluster it cannot know why; the leader does.
 * @throws Failure RAFT_LOST_STATE
 */
export async function refuseIfLost(client: NodeClient, id: string): Promise<void> {
  const members = await leadersView(client).catch(() => null)
  const own = members?.servers.find((server) => server.id === id)
  if (own?.health?.incarnation !== 'lost') return
  const message = `the cluster knows ${id} with another data directory, which is lost here: troupe remove ${id}, then start it again`
  throw new Failure(message, { code: 'RAFT_LOST_STATE', final: true })
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof Failure)) return true
  return error.final || (error.code !== null && final.has(error.code))
}

/** Rejects with the signal's reason. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = after(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
}
