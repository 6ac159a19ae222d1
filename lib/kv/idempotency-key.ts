import type { IncomingHttpHeaders } from 'node:http'
import { MAX_IDEMPOTENCY_KEY_BYTES } from '../node/idempotency.js'
import { badRequest } from './http-problem.js'

/** Printable ASCII: what arrives as one octet a character, whoever sends it. */
const printable = /^[\x20-\x7e]+$/

/**
 * The Idempotency-Key of a write: sent again with the same key, to whichever node, it is applied once
 * and answered alike. The command's bytes hold everything the request asks for (operation, key, value,
 * conditions), so the same key with another request is told by them.
 */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['idempotency-key']
  if (given === undefined) return undefined
  const key = String(given).trim()
  if (printable.test(key) && key.length <= MAX_IDEMPOTENCY_KEY_BYTES) return key
  throw badRequest(
    `Idempotency-Key is 1 to ${MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters, e.g. a UUID`,
  )
}
