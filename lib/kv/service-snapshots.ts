import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isRaftError, RaftError } from '../node/errors.js'
import { forAdmin } from './access.js'
import {
  APPLICATION,
  type BackupMeta,
  BackupReader,
  backupBytes,
  encodeBackup,
} from './backup-format.js'
import { receivedBytes } from './body-stream.js'
import { BackupError } from './byte-source.js'
import { HttpProblem, unsupportedMediaType } from './http-problem.js'
import type { KvReplica, KvSnapshot } from './replica.js'
import { noParameters } from './request-parameters.js'

/** `/snapshot` and `/restore`. A node snapshots and hands out its own state; the leader restores. */
export function snapshotRoutes(app: FastifyInstance, node: KvReplica): void {
  app.post('/snapshot', forAdmin, (request) => takeSnapshot(node, request))
  const backup = (request: FastifyRequest, reply: FastifyReply) => sendBackup(node, request, reply)
  // The HEAD that fastify makes of a GET would say that there are no bytes.
  app.head('/snapshot', forAdmin, backup)
  app.get('/snapshot', forAdmin, backup)
  app.register(async (scope) => restoreRoute(scope, node))
}

async function takeSnapshot(node: KvReplica, { query }: FastifyRequest) {
  noParameters(query)
  const { index, term, bytes } = await node.snapshot()
  return { index, term, bytes }
}

async function sendBackup(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  noParameters(request.query)
  const snapshot = await snapshotFor(node, request.method)
  const meta = metaOf(node, snapshot)
  const tag = `"${snapshot.term}-${snapshot.index}"`
  reply.headers({
    etag: tag,
    'troupe-snapshot-index': snapshot.index,
    'troupe-snapshot-term': snapshot.term,
  })
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(tag) === true) {
    return reply.code(304).send()
  }
  reply.headers({
    'content-type': 'application/octet-stream',
    'content-length': backupBytes(meta),
    'content-disposition': `attachment; filename="${fileNameOf(meta)}"`,
  })
  if (request.method === 'HEAD') return reply.send()
  const state = await snapshot.open()
  // However the answer ends: an open snapshot is kept from being pruned.
  reply.raw.once('close', () => state.close())
  return reply.send(Readable.from(encodeBackup(meta, state), { objectMode: false }))
}

/** A new one, or the one before when nothing has happened since; a HEAD changes nothing if it can. */
async function snapshotFor(node: KvReplica, method: string): Promise<KvSnapshot> {
  const known = method === 'HEAD' ? await node.newestSnapshot() : null
  if (known !== null) return known
  try {
    return await node.snapshot()
  } catch (error) {
    const newest = isRaftError(error, 'RAFT_NOTHING_TO_SNAPSHOT')
      ? await node.newestSnapshot()
      : null
    if (newest === null) throw error
    return newest
  }
}

function metaOf(node: KvReplica, { index, term, bytes: size }: KvSnapshot): BackupMeta {
  const { id, cluster } = node.stats()
  const createdAt = new Date().toISOString()
  return { application: APPLICATION, cluster, node: id, index, term, size, createdAt }
}

/** Names of clusters may hold anything; that of a file had better not. */
function fileNameOf({ cluster, index }: BackupMeta): string {
  return `${cluster.replaceAll(/[^\w.-]/g, '_')}-${index}.backup`
}

function restoreRoute(app: FastifyInstance, node: KvReplica): void {
  // A backup is what its first bytes say, whatever its Content-Type; it is never held in memory.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, body, done) => done(null, body))
  app.post('/restore', {
    ...forAdmin,
    // Refused before a byte of the backup is sent, where the client waits to hear so.
    onRequest: async () => refuseUnlessLeading(node),
    handler: (request, reply) => restore(node, request, reply),
  })
}

/** So much of a backup that was refused is still taken from its sender. */
const maxDroppedBytes = 256 * 1024 * 1024

async function restore(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  noParameters(request.query)
  const body = request.body as Readable | undefined
  if (body === undefined) throw unsupportedMediaType('send a backup as the body')
  const reader = new BackupReader(receivedBytes(body))
  try {
    const { index: restoredIndex, term, size } = await reader.meta()
    const meta = { index: restoredIndex, term, size }
    const { index } = await node.restore(meta, reader.state(meta), {})
    return { index, restored: { index: restoredIndex, term, bytes: size } }
  } catch (error) {
    // Many clients read no answer before they have sent everything.
    await reader.drain(maxDroppedBytes).catch(() => {})
    if (!body.readableEnded) reply.header('connection', 'close')
    throw problemOf(reader.failure ?? error)
  }
}

function problemOf(error: unknown): unknown {
  return error instanceof BackupError ? new HttpProblem(400, 'RAFT_CORRUPT', error.message) : error
}

function refuseUnlessLeading(node: KvReplica): void {
  if (node.state === 'leader') return
  const { leader } = node
  if (leader === null) throw new RaftError('RAFT_NO_LEADER', 'this node knows of no leader')
  const message = 'only the leader restores a backup; send it there'
  throw new RaftError('RAFT_NOT_LEADER', message, { details: { leader } })
}
