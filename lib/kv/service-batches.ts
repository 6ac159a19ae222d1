import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { forData } from './access.js'
import { batchOperations } from './batch-body.js'
import { writeCondition } from './conditions.js'
import { badRequest, unsupportedMediaType } from './http-problem.js'
import { idempotencyKey } from './idempotency-key.js'
import { encodeCommand, type KvOperation, maxValueBytes } from './kv-commands.js'
import type { KvListAnswer } from './kv-queries.js'
import type { KvReplica } from './replica.js'
import { listParameters, noParameters } from './request-parameters.js'

/** Base64 makes 4 characters of 3 bytes; the rest is room for keys and punctuation. */
const maxBatchBodyBytes = 2 * maxValueBytes

/** `/kv`: lists, and atomic batches of writes. */
export function batchRoutes(app: FastifyInstance, node: KvReplica): void {
  app.removeContentTypeParser('text/plain')
  app.get('/kv', forData, (request, reply) => listKeys(node, request, reply))
  app.post('/kv', { ...forData, bodyLimit: maxBatchBodyBytes }, (request, reply) =>
    writeBatch(node, request, reply),
  )
}

async function listKeys(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  const { list, read } = listParameters(request.query)
  const { index, result } = await node.query({ kind: 'list', ...list }, read)
  const { items, next } = result as KvListAnswer
  reply.header('troupe-index', index)
  return {
    index,
    items: items.map(({ key, value, revision }) => ({
      key,
      ...(value !== null && { value: base64(value) }),
      revision,
    })),
    next,
  }
}

async function writeBatch(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  noParameters(request.query)
  if (request.body === undefined) {
    throw unsupportedMediaType('send {"ops":[…]} with Content-Type: application/json')
  }
  const { ifAbsent, ifRevision } = writeCondition(request.headers)
  if (ifAbsent !== undefined || ifRevision !== undefined) {
    throw badRequest('a batch has its conditions in ops, not in If-Match and If-None-Match')
  }
  const once = { forward: true, idempotencyKey: idempotencyKey(request.headers) }
  const operations = batchOperations(request.body)
  const command = encodeCommand({ kind: 'batch', operations })
  const { index, result } = await node.apply(command, once)
  reply.header('troupe-index', index)
  return { index, results: resultsOf(operations, result as readonly boolean[], index) }
}

function resultsOf(operations: readonly KvOperation[], done: readonly boolean[], index: number) {
  return operations.map(({ kind }, i) =>
    kind === 'put' ? { revision: index } : { deleted: done[i] === true },
  )
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
