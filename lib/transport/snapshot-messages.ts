import type { IndexedConfiguration, Server } from '../core/types.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { payloadChecksum, verifyPayload } from './payload-checksum.js'
import type { SnapshotChunk, SnapshotChunkReply } from './wire-messages.js'

const DONE = 1
const COMPRESSED = 2
const RESTORED = 4
const INSTALLED = 1
const FAILED = 2

/** What one chunk may say that it unfolds to: the limit of `snapshotChunkBytes`. */
const MAX_CHUNK_BYTES = 64 * 1024 * 1024

/** `payload` is the chunk's bytes; their checksum goes into the head. */
export function encodeSnapshotChunk(message: SnapshotChunk, payload: Uint8Array): Uint8Array {
  const { meta } = message
  return new ByteWriter(512)
    .u8(flagsOf(message))
    .u64(message.term)
    .string(message.leader)
    .string(message.incarnation)
    .u64(message.addedAt)
    .u64(message.transfer)
    .u64(message.offset)
    .u32(message.length)
    .u64(meta.index)
    .u64(meta.term)
    .u64(meta.size)
    .u32(meta.checksum)
    .u64(meta.configuration.index)
    .run(new TextEncoder().encode(JSON.stringify(meta.configuration.configuration)))
    .u32(payloadChecksum(payload))
    .finish()
}

function flagsOf({ done, compressed, meta }: SnapshotChunk): number {
  const restored = meta.restored === true ? RESTORED : 0
  return (done ? DONE : 0) | (compressed ? COMPRESSED : 0) | restored
}

/** Verifies the payload too. */
export function decodeSnapshotChunk(head: Uint8Array, payload: Uint8Array): SnapshotChunk {
  const reader = new ByteReader(head, 'SnapshotChunk')
  const flags = reader.flags(DONE | COMPRESSED | RESTORED)
  const message: SnapshotChunk = {
    kind: 'snapshotChunk',
    done: (flags & DONE) !== 0,
    compressed: (flags & COMPRESSED) !== 0,
    term: reader.u64(),
    leader: reader.string(),
    incarnation: reader.string(),
    addedAt: reader.u64(),
    transfer: reader.u64(),
    offset: reader.u64(),
    length: reader.u32(),
    meta: {
      index: reader.u64(),
      term: reader.u64(),
      size: reader.u64(),
      checksum: reader.u32(),
      configuration: readConfiguration(reader),
      ...((flags & RESTORED) !== 0 && { restored: true }),
    },
  }
  const checksum = reader.u32()
  reader.end()
  const { offset, length, compressed, meta } = message
  if (offset + length > meta.size || length > MAX_CHUNK_BYTES) {
    throw reader.malformed('a chunk past the end of the snapshot, or too long', {
      offset,
      length,
      size: meta.size,
    })
  }
  // Compression is used where it pays only, so a payload is never longer than what it stands for.
  if (compressed ? payload.length >= length : payload.length !== length) {
    throw reader.malformed('a chunk of another length than announced', {
      length,
      payload: payload.length,
      compressed,
    })
  }
  verifyPayload('SnapshotChunk', payload, checksum)
  return message
}

function readConfiguration(reader: ByteReader): IndexedConfiguration {
  const index = reader.u64()
  const bytes = reader.run()
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw reader.malformed('a configuration that is not JSON', { length: bytes.length })
  }
  if (!isConfiguration(value)) throw reader.malformed('no configuration', { length: bytes.length })
  return { index, configuration: value }
}

function isConfiguration(value: unknown): value is IndexedConfiguration['configuration'] {
  if (!isRecord(value) || !Array.isArray(value.servers) || !value.servers.every(isServer)) {
    return false
  }
  const { outgoing, generation } = value
  if (generation !== undefined && !isString(generation)) return false
  return outgoing === undefined || (Array.isArray(outgoing) && outgoing.every(isServer))
}

function isServer(value: unknown): value is Server {
  if (!isRecord(value)) return false
  const { id, address, suffrage, addedAt, meta } = value
  return (
    isString(id) &&
    isString(address) &&
    (suffrage === 'voter' || suffrage === 'nonvoter') &&
    typeof addedAt === 'number' &&
    Number.isSafeInteger(addedAt) &&
    (meta === undefined || (isRecord(meta) && Object.values(meta).every(isString)))
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

export function encodeSnapshotChunkReply(message: SnapshotChunkReply): Uint8Array {
  return new ByteWriter()
    .u8((message.installed ? INSTALLED : 0) | (message.failed ? FAILED : 0))
    .u64(message.term)
    .u64(message.transfer)
    .u64(message.offset)
    .finish()
}

export function decodeSnapshotChunkReply(head: Uint8Array): SnapshotChunkReply {
  const reader = new ByteReader(head, 'SnapshotChunkReply')
  const flags = reader.flags(INSTALLED | FAILED)
  const message: SnapshotChunkReply = {
    kind: 'snapshotChunkReply',
    installed: (flags & INSTALLED) !== 0,
    failed: (flags & FAILED) !== 0,
    term: reader.u64(),
    transfer: reader.u64(),
    offset: reader.u64(),
  }
  reader.end()
  return message
}
