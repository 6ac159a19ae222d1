import type { SnapshotSink } from '../fsm/state-machine.js'
import { maxKeyBytes } from './keys.js'
import { maxValueBytes } from './kv-commands.js'
import { type OrderedCapture, OrderedMap } from './ordered-map.js'
import { SnapshotReader } from './snapshot-reader.js'

/** What is kept of a key. Never changed, only replaced: a snapshot being written still reads it. */
export interface Stored {
  readonly value: Uint8Array
  /** Log index of the key's last write. */
  readonly revision: number
}

/**
 * A snapshot of the key-value state machine: a head, one record a key in order, an end that counts
 * them. Numbers are little-endian.
 *
 *   head    magic 'TrKV' | version u32
 *   record  tag u8 = 1 | 0 u8 | keyLength u16 | valueLength u32 | revision u64 | key | value
 *   end     tag u8 = 0 | 0 u8 | 0 u16 | 0 u32 | count u64
 */
const magic = Buffer.from('TrKV', 'latin1')
const version = 1
const headBytes = 8
const recordBytes = 16
const tagEnd = 0
const tagRecord = 1

/** Chunks given to the sink have this many bytes, the last one fewer. */
export const snapshotChunkBytes = 256 * 1024

export async function writeSnapshot(
  capture: OrderedCapture<Stored>,
  sink: SnapshotSink,
): Promise<void> {
  const chunks = new Chunks(sink)
  const head = Buffer.alloc(headBytes)
  head.set(magic)
  head.writeUInt32LE(version, 4)
  await chunks.add(head)
  for (const [key, { value, revision }] of capture.from('', true)) {
    const record = Buffer.alloc(recordBytes + key.length)
    writeRecordHead(record, tagRecord, key.length, value.length, revision)
    record.write(key, recordBytes, 'latin1')
    // Only a full chunk is waited for: millions of small records cost no promise each.
    if (!chunks.fits(record.length + value.length)) {
      await chunks.add(record)
      await chunks.add(value)
    } else {
      chunks.copy(record)
      chunks.copy(value)
    }
  }
  const end = Buffer.alloc(recordBytes)
  writeRecordHead(end, tagEnd, 0, 0, capture.size)
  await chunks.add(end)
  await chunks.flush()
}

/** Throws for anything but a whole snapshot of this version. */
export async function readSnapshot(source: AsyncIterable<Uint8Array>): Promise<OrderedMap<Stored>> {
  const reader = new SnapshotReader(source)
  const head = await reader.take(headBytes)
  if (!head.subarray(0, 4).equals(magic)) throw new Error('not a snapshot of a key-value store')
  if (head.readUInt32LE(4) !== version) {
    throw new Error(`a snapshot of version ${head.readUInt32LE(4)}; this release reads ${version}`)
  }
  const map = new OrderedMap<Stored>()
  for (;;) {
    const record = reader.has(recordBytes)
      ? reader.cut(recordBytes)
      : await reader.take(recordBytes)
    const number = Number(record.readBigUInt64LE(8))
    if (record[0] === tagEnd) {
      if (number === map.size) return map
      throw new Error(`the snapshot says it holds ${number} keys and holds ${map.size}`)
    }
    if (record[0] !== tagRecord) throw new Error(`a snapshot record of kind ${record[0]}`)
    const keyLength = record.readUInt16LE(2)
    const valueLength = record.readUInt32LE(4)
    // Memory is made for the whole record before it is read: no more than the largest there can be.
    if (keyLength > maxKeyBytes || valueLength > maxValueBytes) {
      throw new Error(
        `a snapshot record of ${keyLength} and ${valueLength} bytes; a key has at most ${maxKeyBytes}, a value ${maxValueBytes}`,
      )
    }
    const length = keyLength + valueLength
    const body = reader.has(length) ? reader.cut(length) : await reader.take(length)
    const value = new Uint8Array(body.subarray(keyLength))
    map.set(body.toString('latin1', 0, keyLength), { value, revision: number })
  }
}

function writeRecordHead(
  bytes: Buffer,
  tag: number,
  keyLength: number,
  valueLength: number,
  number: number,
): void {
  bytes[0] = tag
  bytes.writeUInt16LE(keyLength, 2)
  bytes.writeUInt32LE(valueLength, 4)
  bytes.writeBigUInt64LE(BigInt(number), 8)
}

/** Packs small pieces into large chunks. Each chunk is new memory: a sink may keep it or give it away. */
class Chunks {
  readonly #sink: SnapshotSink
  #chunk = new Uint8Array(snapshotChunkBytes)
  #used = 0

  constructor(sink: SnapshotSink) {
    this.#sink = sink
  }

  fits(length: number): boolean {
    return this.#used + length <= snapshotChunkBytes
  }

  copy(bytes: Uint8Array): void {
    this.#chunk.set(bytes, this.#used)
    this.#used += bytes.length
  }

  async add(bytes: Uint8Array): Promise<void> {
    let rest = bytes
    while (!this.fits(rest.length)) {
      const room = snapshotChunkBytes - this.#used
      this.copy(rest.subarray(0, room))
      rest = rest.subarray(room)
      await this.flush()
    }
    this.copy(rest)
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return
    const full = this.#chunk.subarray(0, this.#used)
    this.#chunk = new Uint8Array(snapshotChunkBytes)
    this.#used = 0
    await this.#sink.write(full)
  }
}
