import { ByteReader } from '../../../lib/transport/byte-reader.js'
import { ByteWriter } from '../../../lib/transport/byte-writer.js'
import { type KeySlot, KeyTable } from './key-table.js'
import { Repetitions } from './repetitions.js'
import type { Slot } from './result-cache.js'
import { type SessionRecord, SessionTable } from './session-table.js'

/**
 * The tables as bytes, in their own order: equal tables give equal bytes. A count and the sessions, a
 * count and the keys.
 */
export function encodeTables({ sessions, keys }: Repetitions): Uint8Array {
  const out = new ByteWriter(4096)
  out.u32(sessions.size)
  for (const session of sessions.records()) writeSession(out, session)
  out.u32(keys.size)
  for (const [key, slot] of keys.records()) {
    out.string(key).string(slot.request).u64(slot.expiresAt)
    writeSlot(out, slot)
  }
  return out.finish()
}

/** @throws an error with a code for anything but what `encodeTables` made */
export function decodeTables(bytes: Uint8Array): Repetitions {
  const input = new ByteReader(bytes, 'the sessions in a snapshot')
  const sessions = new SessionTable()
  for (let left = input.u32(); left > 0; left--) sessions.add(readSession(input))
  const keys = new KeyTable()
  for (let left = input.u32(); left > 0; left--) {
    const key = input.string()
    const kept = { request: input.string(), expiresAt: input.u64() }
    keys.add(key, { ...readSlot(input), ...kept } satisfies KeySlot)
  }
  input.end()
  return new Repetitions(sessions, keys)
}

function writeSession(out: ByteWriter, session: SessionRecord): void {
  const { clientId, timeoutMs, maxResultBytes, usedAt, acknowledged, slots } = session
  out.u64(clientId).u64(timeoutMs).u64(maxResultBytes).u64(usedAt).u64(acknowledged)
  out.u32(slots.length)
  for (const [sequence, slot] of slots) {
    out.u64(sequence)
    writeSlot(out, slot)
  }
}

function readSession(input: ByteReader): SessionRecord {
  const head = {
    clientId: input.u64(),
    timeoutMs: input.u64(),
    maxResultBytes: input.u64(),
    usedAt: input.u64(),
    acknowledged: input.u64(),
  }
  const slots: [number, Slot][] = []
  for (let left = input.u32(); left > 0; left--) slots.push([input.u64(), readSlot(input)])
  return { ...head, slots }
}

function writeSlot(out: ByteWriter, { index, term, result }: Slot): void {
  out.u64(index).u64(term)
  // A kept outcome has at least a byte: none stands for a result that is not there.
  out.run(result ?? NONE)
}

function readSlot(input: ByteReader): Slot {
  const place = { index: input.u64(), term: input.u64() }
  const result = input.run()
  // A copy: a view would keep the whole section in memory.
  return { ...place, result: result.length === 0 ? null : new Uint8Array(result) }
}

const NONE = new Uint8Array(0)
