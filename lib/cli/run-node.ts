import type { KvTypes } from '../kv/replica.js'
import type { KvService } from '../kv/service.js'
import { isRaftError } from '../node/errors.js'
import { RaftNode } from '../node/raft-node.js'
import { resolveConfig } from '../node/resolve-config.js'
import type { ActorLogger } from '../runtime/actor.js'
import { clientAccess } from './client-access.js'
import { stopWithParent } from './exit-with-parent.js'
import { Failure } from './failure.js'
import { hostNames } from './host-names.js'
import { joinCluster, refuseIfLost } from './join.js'
import { jsonLogger } from './json-logger.js'
import { NodeClient } from './node-client.js'
import { nodeOptions } from './node-options.js'
import { isSet } from './option-values.js'
import { noteLine, printEvent } from './output.js'
import { ProgressLine } from './progress-line.js'
import { ReloadSignal } from './reload-signal.js'
import { serviceSecurity } from './security-options.js'
import type { ServeOptions } from './serve.js'
import { StopSignals } from './stop-signals.js'

type Node = RaftNode<KvTypes>

/** How long a leader may take to hand over before it stops all the same. */
const transferTimeoutMs = 2000

/** `troupe serve`: runs a node until a signal ends it, or until it fails. */
export async function runNode(options: ServeOptions): Promise<void> {
  const { id, logLevel } = options
  const progress = new ProgressLine()
  const logger = jsonLogger(logLevel, { node: id }, (line) => {
    progress.clear()
    process.stderr.write(line)
  })
  const signals = new StopSignals(() => process.exit(1))
  if (isSet(options.exitWithParent)) stopWithParent(signals)
  try {
    const { startKvService } = await loadService()
    const node = await startNode(options, logger)
    showProgress(node, progress, options)
    try {
      const service = await startService(startKvService, node, options, logger)
      const leaving = new AbortController()
      const reloads = new ReloadSignal(node, service, logger)
      try {
        announce(node, service, options)
        const joined = joinIfFresh(node, service, options, leaving.signal)
        joined.then(() => announceReady(node, options)).catch(() => {})
        // Joining ends the node only by failing.
        await Promise.race([signals.requested, node.closed, joined.then(() => node.closed)])
        await handOver(node, logger)
      } finally {
        leaving.abort()
        reloads.release()
        await service.close()
      }
    } finally {
      await node.close()
    }
    const { reason, error } = await node.closed
    if (reason === 'failed') throw error ?? new Failure('the node has failed')
    if (reason === 'removed') logger.warn({}, 'the cluster has removed this node')
  } finally {
    progress.clear()
    signals.release()
  }
}

/** A node that comes up with a long log or a large state, or is sent one, tells how far it is. */
function showProgress(node: Node, line: ProgressLine, { json = false }: ServeOptions): void {
  node.on('progress', ({ what, done, total }) => {
    if (json) printEvent({ event: 'progress', what, done, total }, json)
    else line.show(what, done, total, what === 'replay' ? 'entries' : 'bytes')
  })
}

/** The service needs fastify, which a program that embeds the library does not install. */
async function loadService(): Promise<typeof import('../kv/service.js')> {
  try {
    return await import('../kv/service.js')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes('fastify')) throw error
    throw new Failure('troupe serve needs fastify 5 beside it: npm install fastify@5')
  }
}

async function startNode(options: ServeOptions, logger: ActorLogger): Promise<Node> {
  const started = RaftNode.start(nodeOptions(options, logger))
  return started.catch((error) => Promise.reject(withFlag(error, '--raft', options.raft)))
}

async function startService(
  start: typeof import('../kv/service.js').startKvService,
  node: Node,
  options: ServeOptions,
  logger: ActorLogger,
): Promise<KvService> {
  const { http, insecure = false, heartbeatTimeoutMs, dir: dataDir } = options
  const { electionTimeoutMs } = resolveConfig(
    heartbeatTimeoutMs === undefined ? {} : { heartbeatTimeoutMs },
  )
  const guarded = { ...serviceSecurity(options), hostNames: hostNames(options), insecure, logger }
  const started = start({ node, listen: http, electionTimeoutMs, dataDir, ...guarded })
  return started.catch((error) => Promise.reject(withFlag(error, '--http', http)))
}

/** An address that cannot be bound, with the flag that names it. */
function withFlag(error: unknown, flag: string, address: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  const why = {
    EADDRINUSE: 'is in use by another process',
    EADDRNOTAVAIL: 'is not an address of this machine',
    EACCES: 'may not be used by this user',
    ENOTFOUND: 'is a name that cannot be resolved',
  }[code ?? '']
  return why === undefined ? error : new Failure(`${flag} ${address} ${why}`, { code: code ?? '' })
}

/** `--join`, on a node that holds nothing: resolves once the cluster has taken it. */
async function joinIfFresh(
  node: Node,
  service: KvService,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { join, id, cluster, json = false } = options
  if (!join) return
  if (holdsState(node)) return noteNonvoter(node)
  const http = options.advertiseHttp || service.url
  const joiner = { id, cluster, address: options.advertise || node.address, http }
  const client = new NodeClient(join, clientAccess(options))
  const index = await joinCluster(client, joiner, signal)
  while (!(await hasHeard(node, index, signal))) await refuseIfLost(client, id)
  printEvent({ event: 'joined', through: join, index }, json)
}

/** How long a new member waits for word from the leader before it asks why there is none. */
const silenceMs = 2000

async function hasHeard(node: Node, index: number, signal: AbortSignal): Promise<boolean> {
  try {
    await node.waitFor({ configurationIndex: index }, { signal, timeoutMs: silenceMs })
    return true
  } catch (error) {
    if (isRaftError(error, 'RAFT_TIMEOUT')) return false
    throw error
  }
}

function holdsState(node: Node): boolean {
  const { configurationIndex, snapshotIndex, term } = node.stats()
  return configurationIndex > 0 || snapshotIndex > 0 || term > 0
}

/** It may have been stopped before it had caught up; or it was demoted, which is not to be undone here. */
async function noteNonvoter(node: Node): Promise<void> {
  const { servers } = await node.configuration()
  const own = servers.find(({ id }) => id === node.id)
  if (own?.suffrage !== 'nonvoter') return
  noteLine(`${node.id} has no vote; troupe promote ${node.id} gives it one`)
}

/** Says where the node is, and whom it follows. */
function announce(node: Node, service: KvService, options: ServeOptions): void {
  const json = options.json === true
  const { id, address: raft } = node
  const http = service.url
  printEvent({ event: 'node', id, http, raft, pid: process.pid }, json)
  const { term } = node.stats()
  printEvent({ event: 'leader', leader: node.leader?.id ?? null, term }, json)
  node.on('leader', ({ leader, term }) => printEvent({ event: 'leader', leader, term }, json))
}

/** Confirmed by a quorum: from here on reads and writes succeed through this node. */
function announceReady(node: Node, { json = false }: ServeOptions): void {
  node.readIndex({ timeoutMs: Number.POSITIVE_INFINITY }).then(
    () => printEvent({ event: 'ready', leader: node.leader?.id ?? node.id }, json),
    () => {}, // The node has closed before; that is told elsewhere.
  )
}

/** Whoever goes on writing meanwhile is served by the next leader at once, not after an election. */
async function handOver(node: Node, logger: ActorLogger): Promise<void> {
  if (node.state !== 'leader' || node.stats().voters < 2) return
  try {
    await node.transferLeadership(undefined, { timeoutMs: transferTimeoutMs })
  } catch (error) {
    logger.info({ err: error }, 'stopping without having handed over leadership')
  }
}
