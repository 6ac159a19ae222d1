import { crc32 } from 'node:zlib'
import {
  decodeEntries,
  ENTRY_COMMAND,
  ENTRY_SESSION_OPEN,
  encodeBatch,
  verifyBatch,
} from '../../lib/log/batch.js'
import { BatchError } from '../../lib/log/batch-error.js'
import { decodeConfiguration, encodeConfiguration } from '../../lib/log/configuration-codec.js'
import { inspectSealed, readSealed, sealed } from '../../lib/log/sealed-value.js'
import { decodeSessionOpening, encodeSessionOpening } from '../../lib/log/session-codec.js'
import { batchBytes } from '../../lib/log/slab.js'
import { StoreCorruptError } from '../../lib/log/store.js'
import { runSteps } from '../../lib/runtime/steps.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: entry batches, the entries that the library itself reads, and sealed values (term and vote). */

const refuses = (error: unknown): boolean => error instanceof BatchError
const head = { firstIndex: 11, term: 3, prevTerm: 2, time: 1_800_000_000_000 }
const opening = { nonce: 7, timeoutMs: 1000, maxSessions: 4, maxResultBytes: 4096 }
const session = { kind: 'session', clientId: 4, sequence: 9, acknowledged: 8 } as const
const key = {
  kind: 'key',
  key: '00112233445566778899aabbccddeeff',
  request: 'ffeeddccbbaa99887766554433221100',
  timeoutMs: 1000,
  maxKeys: 10,
  maxResultBytes: 100,
} as const

const batch = Buffer.from(
  batchBytes(
    encodeBatch(
      [
        { type: ENTRY_COMMAND, data: Buffer.from('plain') },
        { type: ENTRY_COMMAND, data: Buffer.from('once'), identity: session },
        { type: ENTRY_COMMAND, data: Buffer.alloc(3000, 'x'), identity: key },
        { type: ENTRY_SESSION_OPEN, data: encodeSessionOpening(opening) },
      ],
      head,
    ),
  ),
)

fuzz({
  name: 'an entry batch',
  samples: [batch],
  seal: (bytes) => {
    if (bytes.length < 64) return
    bytes.writeUInt32LE(bytes.length - 64, 44)
    bytes.writeUInt32LE(crc32(bytes.subarray(64)), 48)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  },
  read: (bytes) => {
    verifyBatch(bytes)
    for (const copy of [true, false]) decodeEntries(bytes, { copy })
    decodeEntries(bytes, { from: 12, to: 13 })
  },
  refuses,
  inputs: 3000,
})

fuzz({
  name: 'entries of a batch whose body nobody checks again',
  samples: [batch],
  seal: (bytes) => {
    if (bytes.length >= 64) bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  },
  read: (bytes) => decodeEntries(bytes),
  refuses,
  inputs: 2000,
})

fuzz({
  name: 'a configuration entry',
  samples: [
    encodeConfiguration({
      servers: [
        { id: 'n1', address: 'h:1', suffrage: 'voter', addedAt: 1, meta: { http: 'x' } },
        { id: 'n2', address: 'h:2', suffrage: 'nonvoter', addedAt: 9 },
      ],
      outgoing: [{ id: 'n1', address: 'h:1', suffrage: 'voter', addedAt: 1 }],
      generation: 'g2',
    }),
  ],
  read: (bytes) => decodeConfiguration(bytes),
  refuses,
})

fuzz({
  name: 'an entry that opens a session',
  samples: [encodeSessionOpening(opening)],
  read: (bytes) => decodeSessionOpening(bytes),
  refuses,
})

const text = JSON.stringify({ term: 8, votedFor: 'n2', promisedLeaseMs: 450 })
const good = sealed('hard-state', Buffer.from(text))
const sealedCopy = good['a/hard-state'] ?? Buffer.alloc(0)

fuzz({
  name: 'one copy of term and vote: the other one is taken',
  samples: [sealedCopy],
  read: (bytes) => {
    const values: Readonly<Record<string, Uint8Array>> = { ...good, 'a/hard-state': bytes }
    const found = runSteps(readSealed((name) => values[name] ?? null, 'hard-state')) as Uint8Array
    if (Buffer.from(found).toString() !== text) throw new Error('another term and vote')
  },
  refuses: () => false,
  takesAll: true,
})

fuzz({
  name: 'both copies of term and vote: damage is told',
  samples: [sealedCopy],
  read: (bytes) => {
    inspectSealed(() => bytes, 'hard-state')
    const found = runSteps(readSealed(() => bytes, 'hard-state')) as Uint8Array
    if (Buffer.from(found).toString() !== text) throw new Error('another term and vote')
  },
  refuses: (error) => error instanceof StoreCorruptError && error.code === 'RAFT_CORRUPT',
})
