import { crc32 } from 'node:zlib'
import { StateMachineError } from '../../../lib/fsm/errors.js'

/**
 * Sessions and idempotency keys in the state of a snapshot: a section in front of what the state
 * machine wrote. It is there when there are any; a state without it has none, as those of earlier
 * releases.
 *
 *   magic 8 bytes | version u16 | 0 u16 | length u32 | crc32 of the section u32 | crc32 of this head u32
 *
 * The magic begins with a byte that no UTF-8 text contains, so that nobody's own state is taken for one.
 */
const MAGIC = Buffer.from([0xf5, 0x54, 0x52, 0x50, 0x53, 0x45, 0x53, 0x0a])
const VERSION = 1
const HEAD_BYTES = 24

/** A snapshot's state, taken apart. */
export interface SplitState {
  /** The section's content; null when the state has none. */
  readonly tables: Uint8Array | null
  /** What the state machine wrote. */
  readonly machine: AsyncIterable<Uint8Array>
}

/** The section with its head, to be written in front of the state. */
export function stateSection(tables: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + tables.length)
  MAGIC.copy(bytes)
  bytes.writeUInt16LE(VERSION, 8)
  bytes.writeUInt32LE(tables.length, 12)
  bytes.writeUInt32LE(crc32(tables), 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20)
  bytes.set(tables, HEAD_BYTES)
  return bytes
}

/**
 * Reads the section, if there is one, and leaves the rest to the caller.
 * @throws StateMachineError RAFT_CORRUPT when it is damaged, cut off or of a later version
 */
export async function splitState(chunks: AsyncIterator<Uint8Array>): Promise<SplitState> {
  const front = new Front(chunks)
  const magic = await front.peek(MAGIC.length)
  if (!magic.equals(MAGIC)) return { tables: null, machine: front.rest() }
  const head = await front.take(HEAD_BYTES)
  if (head.length < HEAD_BYTES || crc32(head.subarray(0, 20)) !== head.readUInt32LE(20)) {
    throw damaged('its head is damaged')
  }
  if (head.readUInt16LE(8) !== VERSION) {
    throw damaged(`it is of version ${head.readUInt16LE(8)}; this release reads ${VERSION}`)
  }
  const length = head.readUInt32LE(12)
  const tables = await front.take(length)
  if (tables.length < length) throw damaged(`${length - tables.length} bytes are missing`)
  if (crc32(tables) !== head.readUInt32LE(16)) throw damaged('its checksum does not match')
  return { tables, machine: front.rest() }
}

/** The beginning of a stream, gathered as far as it is asked for. */
class Front {
  readonly #chunks: AsyncIterator<Uint8Array>
  #held: Buffer[] = []
  #bytes = 0

  constructor(chunks: AsyncIterator<Uint8Array>) {
    this.#chunks = chunks
  }

  /** The first bytes, fewer where the stream ends before. */
  async peek(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      const { done, value } = await this.#chunks.next()
      if (done === true) break
      this.#held.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength))
      this.#bytes += value.length
    }
    if (this.#held.length > 1) this.#held = [Buffer.concat(this.#held)]
    return (this.#held[0] ?? Buffer.alloc(0)).subarray(0, count)
  }

  async take(count: number): Promise<Buffer> {
    const taken = await this.peek(count)
    const rest = this.#held[0]?.subarray(taken.length) ?? Buffer.alloc(0)
    this.#held = rest.length === 0 ? [] : [rest]
    this.#bytes = rest.length
    return taken
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for (const held of this.#held.splice(0)) yield new Uint8Array(held)
    for (;;) {
      const { done, value } = await this.#chunks.next()
      if (done === true) return
      yield value
    }
  }
}

function damaged(what: string): StateMachineError {
  return new StateMachineError(
    'RAFT_CORRUPT',
    `the sessions in the snapshot cannot be read: ${what}`,
  )
}
