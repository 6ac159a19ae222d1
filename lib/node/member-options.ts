import type { NamedServer } from '../core/membership.js'
import { RaftError } from './errors.js'
import type { ServerOptions } from './options.js'

export type { ServerOptions } from './options.js'

/** A server to add: id, address and meta. */
export type NamedServerOptions = Omit<ServerOptions, 'suffrage'>

/** `({ id, address, meta? }, options?)` or `(id, address, options?)`. */
export type ServerArguments<Options> =
  | readonly [server: NamedServerOptions, options?: Options]
  | readonly [id: string, address: string, options?: Options]

export function serverArguments<Options>(
  given: ServerArguments<Options>,
): readonly [NamedServerOptions, Options | undefined] {
  const [first, second, third] = given
  if (typeof first !== 'string') return [first, second as Options | undefined]
  return [{ id: first, address: second as string }, third]
}

const MAX_ID_BYTES = 256
const MAX_ADDRESS_BYTES = 1024
/** All of a server's meta as JSON: it travels in every configuration entry and every snapshot. */
const MAX_META_BYTES = 16 * 1024

/**
 * Checks what a program says of one server; whether it fits the others is the core's affair.
 * @throws RaftError RAFT_CONFIG_INVALID naming field, value and rule
 */
export function checkServer(server: ServerOptions): NamedServer {
  if (typeof server !== 'object' || server === null) {
    throw invalid('server', `expected { id, address, meta? }, found ${String(server)}`)
  }
  const { id, address, meta, suffrage } = server
  checkText('id', id, MAX_ID_BYTES)
  checkText('address', address, MAX_ADDRESS_BYTES)
  if (suffrage !== undefined && suffrage !== 'voter' && suffrage !== 'nonvoter') {
    throw invalid('suffrage', `expected voter or nonvoter, found ${String(suffrage)}`)
  }
  if (meta === undefined) return { id, address }
  checkMeta(id, meta)
  return { id, address, meta }
}

function checkText(field: string, value: unknown, maxBytes: number): void {
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : 0
  if (bytes >= 1 && bytes <= maxBytes) return
  const found = typeof value === 'string' ? `${bytes} bytes` : String(value)
  throw invalid(field, `expected text of 1 to ${maxBytes} bytes, found ${found}`)
}

function checkMeta(id: string, meta: unknown): void {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) {
    throw invalid('meta', `expected text pairs for server ${id}, found ${String(meta)}`)
  }
  for (const [key, value] of Object.entries(meta)) {
    if (typeof value !== 'string') {
      throw invalid('meta', `meta.${key} of server ${id} is text, found ${String(value)}`)
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(meta))
  if (bytes > MAX_META_BYTES) {
    throw invalid('meta', `at most ${MAX_META_BYTES} bytes for server ${id}, found ${bytes}`)
  }
}

function invalid(field: string, message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', `${field}: ${message}`, {
    outcome: 'rejected',
    details: { field },
  })
}
