import { crc32 } from 'node:zlib'
import { FIRST_GENERATION } from '../core/types.js'
import { PROTOCOL_VERSIONS } from './announcement.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { TransportError } from './errors.js'
import type { Hello, Purpose, Welcome } from './transport.js'

/**
 * The first message of each side, little-endian:
 *
 * | offset | bytes | what                                            |
 * | ------ | ----- | ----------------------------------------------- |
 * | 0      | 6     | `TROUPE`                                        |
 * | 6      | 1     | 1 Hello, 2 Welcome                              |
 * | 7      | 1     | zero                                            |
 * | 8      | 2     | newest version that the sender speaks           |
 * | 10     | 2     | length of the body                              |
 * | 12     | 4     | crc32 of the 12 bytes before and of the body    |
 * | 16     |       | body                                            |
 *
 * This layout and the order of the body's fields hold for every version, so that nodes of different
 * versions understand each other's handshake; later versions add fields at the end.
 */
export const PROTOCOL_VERSION = PROTOCOL_VERSIONS.max
export const MAX_HANDSHAKE_BODY = 4096

const MAGIC = new TextEncoder().encode('TROUPE')
const PRELUDE_BYTES = 16
const CHECKED_BYTES = 12
const KIND = { hello: 1, welcome: 2 } as const
const PURPOSES: readonly Purpose[] = ['data', 'heartbeat', 'client']
/** Flags of a Welcome. */
const REFUSED = 1
const VOUCHES = 2
const MAX_NAME_BYTES = 255
/** Characters of a refusal's message that are sent: with the names it fits the bound in any script. */
const MAX_REFUSAL = 256

export function encodeHello(hello: Hello): Uint8Array {
  const body = new ByteWriter()
    .string(hello.cluster)
    .string(hello.nodeId)
    .string(hello.incarnation)
    .u8(PURPOSES.indexOf(hello.purpose) + 1)
    .string(hello.to)
    .string(hello.generation ?? FIRST_GENERATION)
    .u64(hello.addedAt ?? 0)
    .u8(hello.minVersion ?? hello.version)
  return seal(KIND.hello, hello.version, withFeatures(body, hello.features).finish())
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  const { refusal } = welcome
  const writer = new ByteWriter()
    .string(welcome.cluster)
    .string(welcome.nodeId)
    .string(welcome.incarnation)
    .u8((refusal === undefined ? 0 : REFUSED) | (welcome.vouches === true ? VOUCHES : 0))
  if (refusal !== undefined)
    writer.string(refusal.code).string(refusal.message.slice(0, MAX_REFUSAL))
  return seal(KIND.welcome, welcome.version, withFeatures(writer, welcome.features).finish())
}

/** Short names, and not many: the handshake has a bound. */
const MAX_FEATURES = 64
const MAX_FEATURE_BYTES = 32

function withFeatures(writer: ByteWriter, features: readonly string[] = []): ByteWriter {
  writer.u8(features.length)
  for (const feature of features) writer.string(feature)
  return writer
}

function featuresIn(reader: ByteReader): readonly string[] {
  const count = reader.u8()
  if (count > MAX_FEATURES) throw reader.malformed('too many features', { count })
  return Array.from({ length: count }, () => {
    const feature = reader.string()
    if (feature.length <= MAX_FEATURE_BYTES) return feature
    throw reader.malformed('a feature with too long a name', { length: feature.length })
  })
}

function seal(kind: number, version: number, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(PRELUDE_BYTES + body.length)
  bytes.set(MAGIC, 0)
  bytes.writeUInt8(kind, 6)
  bytes.writeUInt16LE(version, 8)
  bytes.writeUInt16LE(body.length, 10)
  bytes.set(body, PRELUDE_BYTES)
  bytes.writeUInt32LE(checksum(bytes), CHECKED_BYTES)
  return bytes
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(PRELUDE_BYTES), crc32(bytes.subarray(0, CHECKED_BYTES)))
}

export function decodeHello(version: number, body: Uint8Array): Hello {
  const reader = new ByteReader(body, 'Hello')
  const cluster = name(reader, 'cluster')
  const nodeId = name(reader, 'nodeId')
  const incarnation = name(reader, 'incarnation')
  const purpose = PURPOSES[reader.u8() - 1]
  if (purpose === undefined) throw reader.malformed('an unknown purpose', {})
  const to = name(reader, 'to')
  const generation = name(reader, 'generation')
  const addedAt = reader.u64()
  const minVersion = reader.u8()
  const features = featuresIn(reader)
  // What a later version adds is not for this one.
  if (version <= PROTOCOL_VERSION) reader.end()
  return {
    ...{ version, cluster, nodeId, incarnation, purpose, to },
    ...(minVersion !== version && { minVersion }),
    ...(features.length > 0 && { features }),
    ...(generation !== FIRST_GENERATION && { generation }),
    ...(addedAt !== 0 && { addedAt }),
  }
}

export function decodeWelcome(version: number, body: Uint8Array): Welcome {
  const reader = new ByteReader(body, 'Welcome')
  const identity = {
    version,
    cluster: reader.string(),
    nodeId: reader.string(),
    incarnation: reader.string(),
  }
  const flags = reader.flags(REFUSED | VOUCHES)
  const refusal =
    (flags & REFUSED) !== 0 ? { code: reader.string(), message: reader.string() } : undefined
  const features = featuresIn(reader)
  if (version <= PROTOCOL_VERSION) reader.end()
  return {
    ...identity,
    ...(features.length > 0 && { features }),
    ...((flags & VOUCHES) !== 0 && { vouches: true }),
    ...(refusal !== undefined && { refusal }),
  }
}

function name(reader: ByteReader, field: string): string {
  const value = reader.string()
  if (value.length === 0 || value.length > MAX_NAME_BYTES) {
    throw reader.malformed('a name of impossible length', { field, length: value.length })
  }
  return value
}

/** A whole handshake message. `rest` is what the last chunk held beyond it. */
export interface Handshake {
  readonly version: number
  readonly body: Uint8Array
  readonly rest: Uint8Array
}

/** Gathers one handshake message from chunks. A foreign first byte is noticed at once. */
export class HandshakeReader {
  readonly #kind: number
  readonly #bytes = Buffer.alloc(PRELUDE_BYTES + MAX_HANDSHAKE_BODY)
  #length = 0

  constructor(kind: keyof typeof KIND) {
    this.#kind = KIND[kind]
  }

  /** The message once it is whole, else null. Throws a TransportError on anything else. */
  push(chunk: Uint8Array): Handshake | null {
    let position = this.#fill(chunk, 0, PRELUDE_BYTES)
    this.#checkPrelude()
    if (this.#length < PRELUDE_BYTES) return null
    const whole = PRELUDE_BYTES + this.#bodyLength()
    position = this.#fill(chunk, position, whole)
    if (this.#length < whole) return null
    const message = this.#bytes.subarray(0, whole)
    if (checksum(message) !== message.readUInt32LE(CHECKED_BYTES)) {
      throw foreign('a handshake with a wrong checksum', message)
    }
    return {
      version: message.readUInt16LE(8),
      body: message.subarray(PRELUDE_BYTES),
      rest: chunk.subarray(position),
    }
  }

  #fill(chunk: Uint8Array, position: number, upTo: number): number {
    const count = Math.min(Math.max(0, upTo - this.#length), chunk.length - position)
    this.#bytes.set(chunk.subarray(position, position + count), this.#length)
    this.#length += count
    return position + count
  }

  #checkPrelude(): void {
    const seen = this.#bytes.subarray(0, this.#length)
    const magic = seen.subarray(0, MAGIC.length)
    if (!magic.every((byte, i) => byte === MAGIC[i])) throw foreign('foreign bytes', seen)
    if (this.#length > 7 && (seen[6] !== this.#kind || seen[7] !== 0)) {
      throw foreign('another message than the handshake', seen)
    }
  }

  #bodyLength(): number {
    const length = this.#bytes.readUInt16LE(10)
    if (length <= MAX_HANDSHAKE_BODY) return length
    throw foreign(`a handshake of ${length} bytes`, this.#bytes.subarray(0, PRELUDE_BYTES))
  }
}

function foreign(found: string, bytes: Uint8Array): TransportError {
  const start = Buffer.from(bytes.subarray(0, 16)).toString('latin1')
  const shown = JSON.stringify(start.replace(/[^\x20-\x7e]/g, '.'))
  const hint = hintAbout(start)
  return new TransportError(
    'RAFT_HANDSHAKE_INVALID',
    `expected the handshake of a node, found ${found} beginning with ${shown}${hint}`,
    { found, start: shown },
  )
}

/** What others say first: a request of HTTP; a handshake or an alert of TLS. */
function hintAbout(start: string): string {
  if (/^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|PRI) /.test(start)) {
    return '; this is the Raft port, HTTP has one of its own'
  }
  const isTls = (start[0] === ALERT || start[0] === HANDSHAKE) && start[1] === TLS_MAJOR
  return isTls ? '; that is TLS, and this node is set up without it' : ''
}

const ALERT = '\u0015'
const HANDSHAKE = '\u0016'
const TLS_MAJOR = '\u0003'
