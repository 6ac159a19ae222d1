import { type KeySlot, KeyTable } from './key-table.js'
import { PackedReader, PackedWriter } from './packed-bytes.js'
import { Repetitions } from './repetitions.js'
import type { Slot } from './result-cache.js'
import { type SessionRecord, SessionTable } from './session-table.js'

/**
 * The tables as bytes, in their own order: equal tables give equal bytes. A count and the sessions, a
 * count and the keys.
 */
export function encodeTables({ sessions, keys }: Repetitions): Uint8Array {
  const out = new PackedWriter(MAX_BYTES, 4096)
  out.u32(sessions.size)
  for (const session of sessions.records()) writeSession(out, session)
  out.u32(keys.size)
  for (const [key, slot] of keys.records()) {
    out.digest(key)
    out.digest(slot.request)
    out.u64(slot.expiresAt)
    writeSlot(out, slot)
  }
  return out.written
}

/** @throws RangeError for anything but what `encodeTables` made */
export function decodeTables(bytes: Uint8Array): Repetitions {
  const input = new PackedReader(bytes)
  const sessions = new SessionTable()
  for (let left = input.count(); left > 0; left--) sessions.add(readSession(input))
  const keys = new KeyTable()
  for (let left = input.count(); left > 0; left--) {
    const key = input.digest()
    const kept = { request: input.digest(), expiresAt: input.u64() }
    keys.add(key, { ...readSlot(input), ...kept } satisfies KeySlot)
  }
  if (input.remaining > 0) throw new RangeError(`${input.remaining} bytes behind the last key`)
  return new Repetitions(sessions, keys)
}

function writeSession(out: PackedWriter, session: SessionRecord): void {
  const { clientId, timeoutMs, maxResultBytes, usedAt, acknowledged, slots } = session
  for (const number of [clientId, timeoutMs, maxResultBytes, usedAt, acknowledged]) out.u64(number)
  out.u32(slots.length)
  for (const [sequence, slot] of slots) {
    out.u64(sequence)
    writeSlot(out, slot)
  }
}

function readSession(input: PackedReader): SessionRecord {
  const head = {
    clientId: input.u64(),
    timeoutMs: input.u64(),
    maxResultBytes: input.u64(),
    usedAt: input.u64(),
    acknowledged: input.u64(),
  }
  const slots: [number, Slot][] = []
  for (let left = input.count(); left > 0; left--) slots.push([input.u64(), readSlot(input)])
  return { ...head, slots }
}

function writeSlot(out: PackedWriter, { index, term, result }: Slot): void {
  out.u64(index)
  out.u64(term)
  // A kept outcome has at least a byte: none stands for a result that is not there.
  out.run(result ?? NONE)
}

function readSlot(input: PackedReader): Slot {
  const place = { index: input.u64(), term: input.u64() }
  const result = input.run()
  // A copy: a view would keep the whole section in memory.
  return { ...place, result: result.length === 0 ? null : new Uint8Array(result) }
}

/** What a section's length can say. */
const MAX_BYTES = 2 ** 32 - 1

const NONE = new Uint8Array(0)
