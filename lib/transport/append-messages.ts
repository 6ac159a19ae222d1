import { assert } from '../core/assert.js'
import type { AppendEntries, AppendReply } from '../core/rpc.js'
import type { BatchSpan } from '../core/types.js'
import { ByteReader } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import type { WireAppendEntries, WireBatch } from './wire-messages.js'

const SUCCESS = 1
const CONFLICT = 2
/** Bytes that describe one batch in the head. */
const WIRE_BATCH_BYTES = 8 + 4 + 8 + 8 + 4
/** As many descriptions as a head of the default 64 KiB holds with room for the rest. */
export const MAX_BATCHES_PER_APPEND = 1024

/** `batches` are those of `request.batches`, in the same order; BatchRefs will do. */
export function encodeAppendEntries(
  request: AppendEntries,
  batches: readonly WireBatch[],
): Uint8Array {
  assert(
    batches.length === request.batches.length && batches.length <= MAX_BATCHES_PER_APPEND,
    'an AppendEntries has the bytes of each of its batches, up to MAX_BATCHES_PER_APPEND',
    { spans: request.batches.length, batches: batches.length },
  )
  const writer = new ByteWriter(128 + batches.length * WIRE_BATCH_BYTES)
    .u64(request.term)
    .string(request.leader)
    .u64(request.addedAt)
    .string(request.incarnation)
    .u64(request.request)
    .u64(request.prevLogIndex)
    .u64(request.prevLogTerm)
    .u64(request.leaderCommit)
    .u32(batches.length)
  for (const batch of batches) {
    writer.u64(batch.firstIndex).u32(batch.count).u64(batch.term).u64(batch.prevTerm)
    writer.u32(batch.length)
  }
  return writer.finish()
}

/** `payloadLength` must be what the batches announce together. */
export function decodeAppendEntries(head: Uint8Array, payloadLength: number): WireAppendEntries {
  const reader = new ByteReader(head, 'AppendEntries')
  const fields = {
    kind: 'appendEntries' as const,
    term: reader.u64(),
    leader: reader.string(),
    addedAt: reader.u64(),
    incarnation: reader.string(),
    request: reader.u64(),
    prevLogIndex: reader.u64(),
    prevLogTerm: reader.u64(),
    leaderCommit: reader.u64(),
  }
  const batches = readBatches(reader, payloadLength)
  return { request: { ...fields, batches: batches.map(spanOf) }, batches }
}

function readBatches(reader: ByteReader, payloadLength: number): readonly WireBatch[] {
  const count = reader.u32()
  if (count * WIRE_BATCH_BYTES !== reader.remaining) {
    throw reader.malformed('a batch count that does not fit', { count, left: reader.remaining })
  }
  const batches: WireBatch[] = []
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const batch: WireBatch = {
      firstIndex: reader.u64(),
      count: reader.u32(),
      term: reader.u64(),
      prevTerm: reader.u64(),
      length: reader.u32(),
    }
    checkBatch(reader, batch, batches.at(-1))
    bytes += batch.length
    batches.push(batch)
  }
  if (bytes !== payloadLength) {
    throw reader.malformed('a payload of another length', { announced: bytes, payloadLength })
  }
  return batches
}

/** Batches of one request follow each other without a gap, each with the term before it. */
function checkBatch(reader: ByteReader, batch: WireBatch, previous: WireBatch | undefined): void {
  const { firstIndex, count, length, term, prevTerm } = batch
  const last = firstIndex + count - 1
  if (firstIndex < 1 || count < 1 || length < 1 || !Number.isSafeInteger(last)) {
    throw reader.malformed('an empty or impossible batch', { firstIndex, count, length })
  }
  if (term < 1 || prevTerm > term) {
    throw reader.malformed('a batch whose term is before its predecessor', { term, prevTerm })
  }
  if (previous === undefined) return
  const expected = previous.firstIndex + previous.count
  if (firstIndex !== expected || prevTerm !== previous.term) {
    throw reader.malformed('batches that do not follow each other', {
      firstIndex,
      expected,
      prevTerm,
      previousTerm: previous.term,
    })
  }
}

function spanOf(batch: WireBatch): BatchSpan {
  return {
    firstIndex: batch.firstIndex,
    lastIndex: batch.firstIndex + batch.count - 1,
    term: batch.term,
  }
}

export function encodeAppendReply(message: AppendReply): Uint8Array {
  const conflict = message.conflict
  const writer = new ByteWriter()
    .u8((message.success ? SUCCESS : 0) | (conflict === undefined ? 0 : CONFLICT))
    .u64(message.term)
    .u64(message.request)
    .u64(message.matchIndex)
  if (conflict !== undefined) {
    writer.u64(conflict.term).u64(conflict.index).u64(conflict.lastIndex)
  }
  return writer.finish()
}

export function decodeAppendReply(head: Uint8Array): AppendReply {
  const reader = new ByteReader(head, 'AppendReply')
  const flags = reader.flags(SUCCESS | CONFLICT)
  const fields = {
    kind: 'appendReply' as const,
    success: (flags & SUCCESS) !== 0,
    term: reader.u64(),
    request: reader.u64(),
    matchIndex: reader.u64(),
  }
  const message: AppendReply =
    (flags & CONFLICT) === 0
      ? fields
      : {
          ...fields,
          conflict: { term: reader.u64(), index: reader.u64(), lastIndex: reader.u64() },
        }
  reader.end()
  return message
}
