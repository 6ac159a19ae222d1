import type { IndexedConfiguration } from '../../../lib/core/types.js'
import type { NewSnapshot, SnapshotStore, StoredSnapshot } from '../../../lib/snapshot/store.js'

export const configuration: IndexedConfiguration = {
  index: 1,
  configuration: {
    servers: [
      { id: 'n1', address: 'n1:1', suffrage: 'voter', addedAt: 1, meta: { zone: 'größer' } },
    ],
    outgoing: [{ id: 'n0', address: 'n0:1', suffrage: 'voter', addedAt: 1 }],
  },
}

export const snapshotAt = (index: number, term = 1): NewSnapshot => ({ index, term, configuration })

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff
  return bytes
}

/** Writes a whole snapshot, in parts of uneven lengths. */
export async function write(
  store: SnapshotStore,
  snapshot: NewSnapshot,
  body: Uint8Array,
): Promise<StoredSnapshot> {
  const writer = await store.create(snapshot)
  for (let start = 0, part = 1; start < body.length; start += part, part = part * 3 + 1) {
    await writer.write(body.subarray(start, start + part))
  }
  return writer.commit()
}

/** Reads all of it, so many bytes at a time. */
export async function readAll(
  store: SnapshotStore,
  snapshot: StoredSnapshot,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < snapshot.size; ) {
    const part = await store.read(snapshot, offset, maxBytes)
    if (part.length === 0 || part.length > maxBytes) {
      throw new Error(`expected 1 to ${maxBytes} bytes at ${offset}, found ${part.length}`)
    }
    parts.push(part)
    offset += part.length
  }
  return Buffer.concat(parts)
}
