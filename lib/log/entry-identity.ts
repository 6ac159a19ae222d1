import { assert } from '../core/assert.js'
import { readU64, writeU64 } from './batch-layout.js'

/**
 * Who proposed an entry and as which of their commands: what a state machine's side goes by to apply a
 * repeated command once. It lies between an entry's head and its data, where a flag of the entry says so:
 *
 *   ENTRY_HAS_SESSION  clientId u64 | sequence u64 | acknowledged u64
 *   ENTRY_HAS_KEY      key 16 bytes | request 16 bytes | timeoutMs u64 | maxKeys u32 | maxResultBytes u32
 *
 * Limits travel in the entry, because every replica must come to the same verdict whatever its own
 * configuration says.
 */
export type EntryIdentity = EntrySession | EntryKey

/** A command of a client session, or an entry about the session itself. */
export interface EntrySession {
  readonly kind: 'session'
  /** Which session: the answer to the entry that opened it. */
  readonly clientId: number
  /** Of the command, counted from 1; 0 for entries that are no commands. */
  readonly sequence: number
  /** The client waits for no result below this sequence any more. */
  readonly acknowledged: number
}

/** A command with an idempotency key, outside any session. */
export interface EntryKey {
  readonly kind: 'key'
  /** Digest of the key: 32 hexadecimal digits. */
  readonly key: string
  /** Digest of what was asked for: the same key with another request is refused. */
  readonly request: string
  /** How long the key is remembered, in log time. */
  readonly timeoutMs: number
  /** Most keys remembered at a time; past it new ones are refused. */
  readonly maxKeys: number
  /** Most bytes of results kept for all keys. */
  readonly maxResultBytes: number
}

export const ENTRY_HAS_SESSION = 1
export const ENTRY_HAS_KEY = 2

const SESSION_BYTES = 24
const KEY_BYTES = 48
const DIGEST_BYTES = 16

/** The entry's flags. */
export function identityFlags(identity: EntryIdentity | undefined): number {
  if (identity === undefined) return 0
  return identity.kind === 'session' ? ENTRY_HAS_SESSION : ENTRY_HAS_KEY
}

/** Bytes that flags announce; null for flags that this release does not know. */
export function identityBytes(flags: number): number | null {
  switch (flags) {
    case 0:
      return 0
    case ENTRY_HAS_SESSION:
      return SESSION_BYTES
    case ENTRY_HAS_KEY:
      return KEY_BYTES
    default:
      return null
  }
}

export function writeIdentity(view: DataView, offset: number, identity: EntryIdentity): void {
  if (identity.kind === 'session') {
    writeU64(view, offset, identity.clientId)
    writeU64(view, offset + 8, identity.sequence)
    writeU64(view, offset + 16, identity.acknowledged)
    return
  }
  writeDigest(view, offset, identity.key)
  writeDigest(view, offset + 16, identity.request)
  writeU64(view, offset + 32, identity.timeoutMs)
  view.setUint32(offset + 40, identity.maxKeys, true)
  view.setUint32(offset + 44, identity.maxResultBytes, true)
}

/** `flags` is one of the two, and the bytes are there. */
export function readIdentity(view: DataView, offset: number, flags: number): EntryIdentity {
  if (flags === ENTRY_HAS_SESSION) {
    return {
      kind: 'session',
      clientId: readU64(view, offset),
      sequence: readU64(view, offset + 8),
      acknowledged: readU64(view, offset + 16),
    }
  }
  return {
    kind: 'key',
    key: readDigest(view, offset),
    request: readDigest(view, offset + 16),
    timeoutMs: readU64(view, offset + 32),
    maxKeys: view.getUint32(offset + 40, true),
    maxResultBytes: view.getUint32(offset + 44, true),
  }
}

function writeDigest(view: DataView, offset: number, digest: string): void {
  const bytes = Buffer.from(digest, 'hex')
  assert(bytes.length === DIGEST_BYTES, 'a digest is 32 hexadecimal digits', { digest })
  new Uint8Array(view.buffer, view.byteOffset + offset, DIGEST_BYTES).set(bytes)
}

function readDigest(view: DataView, offset: number): string {
  return Buffer.from(view.buffer, view.byteOffset + offset, DIGEST_BYTES).toString('hex')
}
