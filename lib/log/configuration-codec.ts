import type { Configuration, Server } from '../core/types.js'
import { BatchError } from './batch-error.js'

/**
 * A configuration as the data of a configuration entry: JSON with a version, so that an operator can
 * read it and a later release can tell what it reads.
 */

const VERSION = 1

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, ...configuration }))
}

/** @throws BatchError when the bytes are not a configuration that this release knows. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  const value = parse(bytes)
  if (!isRecord(value)) return fail('it is no object')
  if (value.version !== VERSION) {
    return fail(`expected version ${VERSION}, found ${JSON.stringify(value.version)}`)
  }
  if (!Array.isArray(value.servers)) return fail('servers is no list')
  const servers = value.servers.map(toServer)
  const { outgoing, generation } = value
  if (outgoing !== undefined && !Array.isArray(outgoing)) return fail('outgoing is no list')
  if (generation !== undefined && typeof generation !== 'string') {
    return fail('generation is no text')
  }
  return {
    servers,
    ...(outgoing !== undefined && { outgoing: outgoing.map(toServer) }),
    ...(generation !== undefined && { generation }),
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    // TextDecoder refuses shared memory, so the few bytes are copied first.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes)))
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function toServer(value: unknown): Server {
  if (!isRecord(value)) return fail('a server is no object')
  const { id, address, suffrage, addedAt, meta } = value
  if (typeof id !== 'string' || typeof address !== 'string') {
    return fail('a server has no id or no address')
  }
  if (suffrage !== 'voter' && suffrage !== 'nonvoter') {
    return fail(`server ${id} has suffrage ${JSON.stringify(suffrage)}`)
  }
  if (typeof addedAt !== 'number' || !Number.isSafeInteger(addedAt) || addedAt < 0) {
    return fail(`server ${id} has addedAt ${JSON.stringify(addedAt)}`)
  }
  const server = { id, address, suffrage, addedAt } as const
  if (meta === undefined) return server
  if (!isTextPairs(meta)) return fail(`server ${id} has a meta that is not text pairs`)
  return { ...server, meta }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextPairs(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string')
}

function fail(reason: string): never {
  throw new BatchError('configuration', `the bytes are not a configuration: ${reason}`)
}
