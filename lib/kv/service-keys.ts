import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { forData } from './access.js'
import { entityTag, isUnmodified, writeCondition } from './conditions.js'
import { badRequest, keyNotFound } from './http-problem.js'
import { idempotencyKey } from './idempotency-key.js'
import { checkKey } from './keys.js'
import { encodeCommand, maxValueBytes } from './kv-commands.js'
import type { KvGetAnswer } from './kv-queries.js'
import type { KvReplica } from './replica.js'
import { getParameters, noParameters } from './request-parameters.js'

/** `/kv/KEY`: values as raw bodies. */
export function keyRoutes(app: FastifyInstance, node: KvReplica): void {
  // A body is the value, whatever its Content-Type says.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.get('/kv/*', forData, (request, reply) => getKey(node, request, reply))
  app.put('/kv/*', { ...forData, bodyLimit: maxValueBytes }, (request, reply) =>
    putKey(node, request, reply),
  )
  app.delete('/kv/*', forData, (request, reply) => deleteKey(node, request, reply))
}

async function getKey(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  const read = getParameters(request.query)
  const { index, result } = await node.query({ kind: 'get', key: keyOf(request) }, read)
  reply.header('troupe-index', index)
  const found = result as KvGetAnswer
  if (found === null) throw keyNotFound()
  reply.header('etag', entityTag(found.revision))
  if (isUnmodified(request.headers, found.revision)) return reply.code(304).send()
  const { buffer, byteOffset, byteLength } = found.value
  // A browser must neither guess a type for a value nor show it as a page (response-guards.ts).
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', 'attachment')
    .send(Buffer.from(buffer, byteOffset, byteLength))
}

async function putKey(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  noParameters(request.query)
  const value = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  const condition = writeCondition(request.headers)
  const once = { forward: true, idempotencyKey: idempotencyKey(request.headers) }
  const command = encodeCommand({ kind: 'put', key: keyOf(request), value, ...condition })
  const { index } = await node.apply(command, once)
  reply.header('troupe-index', index).header('etag', entityTag(index))
  return { index, revision: index }
}

async function deleteKey(node: KvReplica, request: FastifyRequest, reply: FastifyReply) {
  noParameters(request.query)
  const condition = writeCondition(request.headers)
  const once = { forward: true, idempotencyKey: idempotencyKey(request.headers) }
  const command = encodeCommand({ kind: 'delete', key: keyOf(request), ...condition })
  const { index, result } = await node.apply(command, once)
  reply.header('troupe-index', index)
  return { index, deleted: result === true }
}

/** All of the path after `/kv/`, slashes too, percent-decoded once: the router's own form is not used. */
function keyOf(request: FastifyRequest): string {
  const path = request.raw.url?.split('?', 1)[0] ?? ''
  const key = decoded(path.slice(path.indexOf('/', 1) + 1))
  checkKey(key)
  return key
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badRequest('the key is not valid percent-encoded UTF-8')
  }
}
