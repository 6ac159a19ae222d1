import type { FileHandle } from 'node:fs/promises'
import { crc32, deflateRawSync } from 'node:zlib'
import { decodeOutcome, encodeOutcome } from '../../actors/fsm/sessions/kept-outcome.js'
import { splitState, stateSection } from '../../actors/fsm/sessions/state-section.js'
import { decodeTables, encodeTables } from '../../actors/fsm/sessions/table-codec.js'
import { StateMachineError } from '../../lib/fsm/errors.js'
import { CommandError } from '../../lib/fsm/state-machine.js'
import { readSnapshot, writeSnapshot } from '../../lib/kv/kv-snapshot.js'
import { OrderedMap } from '../../lib/kv/ordered-map.js'
import { inflateInto } from '../../lib/snapshot/deflate.js'
import { SnapshotStoreError } from '../../lib/snapshot/errors.js'
import { encodeHead, encodeTrailer } from '../../lib/snapshot/file-layout.js'
import { SnapshotFile } from '../../lib/snapshot/file-reader.js'
import type { SnapshotFiles } from '../../lib/snapshot/files.js'
import { Tables } from '../actors/fsm/sessions/support.js'
import { pattern, snapshotAt } from '../snapshot/support/snapshots.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: snapshot files, chunks of a transfer, the sessions in a state, and the states of the service. */

const corrupt = (error: unknown): boolean =>
  (error instanceof SnapshotStoreError || error instanceof StateMachineError) &&
  error.code === 'RAFT_CORRUPT'

/** A snapshot whose chunks are damaged is read to its first damaged chunk, and said to be damaged. */
class Damaged extends Error {}

function snapshotFile(state: Uint8Array, chunkBytes: number): Buffer {
  const parts: Uint8Array[] = [encodeHead(snapshotAt(4), chunkBytes)]
  for (let at = 0; at < state.length; at += chunkBytes) {
    const chunk = state.subarray(at, at + chunkBytes)
    const head = Buffer.alloc(8)
    head.writeUInt32LE(chunk.length, 0)
    head.writeUInt32LE(crc32(chunk), 4)
    parts.push(head, chunk)
  }
  const chunks = Math.ceil(state.length / chunkBytes)
  parts.push(encodeTrailer({ size: state.length, bodyCrc: crc32(state), chunks }))
  return Buffer.concat(parts)
}

/** A file system whose one file has these bytes. */
function fileOf(bytes: Buffer): SnapshotFiles {
  const file = {
    stat: async () => ({ size: bytes.length }),
    read: async (into: Buffer, offset: number, length: number, position: number) => ({
      bytesRead: bytes.copy(into, offset, position, position + length),
    }),
    close: async () => {},
  }
  return { open: async () => file as unknown as FileHandle } as unknown as SnapshotFiles
}

fuzz({
  name: 'a snapshot file',
  samples: [snapshotFile(pattern(2500), 1024), snapshotFile(pattern(100), 1024)],
  // The checksums of header, meta and trailer, so that what they say is believed.
  seal: (bytes) => {
    if (bytes.length < 128) return
    const meta = bytes.subarray(64, 64 + bytes.readUInt32LE(32))
    bytes.writeUInt32LE(crc32(meta), 36)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
    const trailer = bytes.subarray(-32)
    trailer.writeUInt32LE(crc32(trailer.subarray(0, 28)), 28)
  },
  read: async (bytes) => {
    const file = await SnapshotFile.open(fileOf(bytes), 'a.snapshot')
    if (!(await file.verify())) throw new Damaged()
    const { size } = file.stored
    for (let offset = 0; offset < size; offset += 700) {
      await file.readInto(offset, new Uint8Array(700))
    }
  },
  refuses: (error) => error instanceof Damaged || corrupt(error),
  maxBytes: 160 * 1024 * 1024,
})

const state = pattern(4096)

fuzz({
  name: 'a deflated chunk',
  samples: [deflateRawSync(state), deflateRawSync(Buffer.alloc(4096))],
  read: (bytes) => inflateInto(bytes, new Uint8Array(state.length)),
  refuses: corrupt,
})

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000)
}

function someTables(): Uint8Array {
  const tables = new Tables()
  const id = tables.open({ maxResultBytes: 5000 })
  for (let n = 1; n <= 6; n++) tables.command(id, n, { n, list: ['a', null, 1.5] })
  tables.key('order-1', 'done')
  return encodeTables(tables.repetitions)
}

const withSessions = Buffer.concat([stateSection(someTables()), Buffer.from('the state')])

fuzz({
  name: 'sessions and keys in front of a state',
  samples: [withSessions],
  seal: (bytes) => {
    if (bytes.length < 24) return
    const section = bytes.subarray(24, 24 + bytes.readUInt32LE(12))
    bytes.writeUInt32LE(crc32(section), 16)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20)
  },
  read: async (bytes) => {
    const { tables, machine } = await splitState(pieces(bytes))
    for await (const _ of machine);
    if (tables !== null) encodeTables(decodeTables(tables))
  },
  refuses: (error) => corrupt(error) || error instanceof RangeError,
  inputs: 2000,
})

const outcomes = [
  encodeOutcome(
    { ok: true, value: { n: 1n, list: [1, 'é', '\ud800', new Date(0)], x: null } },
    1000,
  ),
  encodeOutcome({ ok: false, error: new CommandError('NO', 'no', { why: [1, 2] }) }, 1000),
].flatMap((bytes) => bytes ?? [])

fuzz({
  name: 'a kept result',
  samples: outcomes,
  read: (bytes) => decodeOutcome(bytes),
  refuses: (error) => error instanceof RangeError,
  inputs: 4000,
})

async function kvState(): Promise<Buffer> {
  const map = new OrderedMap<{ readonly value: Uint8Array; readonly revision: number }>()
  for (let n = 1; n < 30; n++) map.set(`key-${n}`, { value: Buffer.alloc(n), revision: n })
  const parts: Uint8Array[] = []
  const sink = { write: async (bytes: Uint8Array) => void parts.push(bytes) }
  await writeSnapshot(map.capture(), sink)
  return Buffer.concat(parts)
}

fuzz({
  name: 'the state of the key-value service',
  samples: [await kvState()],
  read: (bytes) => readSnapshot(pieces(bytes)),
  refuses: (error) => error instanceof Error && /snapshot/.test(error.message),
})
