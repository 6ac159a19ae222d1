import { badRequest, tooLarge } from './http-problem.js'
import { type KvOperation, maxBatchOperations, maxValueBytes } from './kv-commands.js'

const fields: ReadonlySet<string> = new Set(['op', 'key', 'value', 'ifRevision', 'ifAbsent'])

/** The operations of `POST /kv`, checked; throws a problem that names what is wrong and where. */
export function batchOperations(body: unknown): readonly KvOperation[] {
  if (!isRecord(body) || Object.keys(body).some((name) => name !== 'ops')) {
    throw badRequest('the body is {"ops":[…]}')
  }
  const { ops } = body
  if (!Array.isArray(ops) || ops.length === 0 || ops.length > maxBatchOperations) {
    throw badRequest(`ops is a list of 1 to ${maxBatchOperations} operations`)
  }
  const operations = ops.map(operationOf)
  const bytes = operations.reduce((sum, o) => sum + (o.kind === 'put' ? o.value.length : 0), 0)
  if (bytes > maxValueBytes) throw tooLarge()
  return operations
}

function operationOf(given: unknown, at: number): KvOperation {
  const where = `ops[${at}]`
  if (!isRecord(given)) throw badRequest(`${where} is no object`)
  for (const name of Object.keys(given)) {
    if (!fields.has(name)) throw badRequest(`${where} has an unknown field ${name}`)
  }
  const { op, key, value, ifRevision, ifAbsent } = given
  if (typeof key !== 'string') throw badRequest(`${where}.key is text`)
  const condition = {
    ...(ifRevision !== undefined && { ifRevision: revisionOf(ifRevision, where) }),
    ...(ifAbsent !== undefined && { ifAbsent: booleanOf(ifAbsent, where) }),
  }
  if (op === 'put') return { kind: 'put', key, value: bytesOf(value, where), ...condition }
  if (op !== 'delete') throw badRequest(`${where}.op is put or delete`)
  if (value !== undefined) throw badRequest(`${where} deletes and has no value`)
  return { kind: 'delete', key, ...condition }
}

/** 0 means, as for the state machine, that there is no such key. */
function revisionOf(given: unknown, where: string): number {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given
  throw badRequest(`${where}.ifRevision is a whole number`)
}

function booleanOf(given: unknown, where: string): boolean {
  if (typeof given === 'boolean') return given
  throw badRequest(`${where}.ifAbsent is true or false`)
}

function bytesOf(given: unknown, where: string): Uint8Array {
  if (typeof given === 'string') {
    const bytes = Buffer.from(given, 'base64')
    // Decoding skips what is not base64; only what comes back the same was all of it.
    if (bytes.toString('base64') === given) return bytes
  }
  throw badRequest(`${where}.value is text in base64`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
