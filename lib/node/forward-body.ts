import { deserialize, serialize } from 'node:v8'
import type { PeerReport } from '../../actors/consensus/protocol.js'
import type { AdminRequest } from './administration.js'
import type { EntryMark } from './entry-mark.js'
import type { RaftErrorData } from './error-wire.js'
import { isForwardReply, isForwardRequest } from './forward-shapes.js'

/**
 * What nodes say to each other in the bodies of forwarded requests. Values are the user's structured-
 * clonable ones; the transport checks the bytes and sees nothing of them.
 */
export type ForwardRequest =
  /** Commands of several callers. Each has its own outcome and time limit. */
  | { readonly kind: 'apply'; readonly commands: PackedBytes; readonly timeoutsMs: Float64Array }
  /** The same for commands of sessions or with idempotency keys. An older release refuses it whole. */
  | {
      readonly kind: 'applyMarked'
      readonly commands: PackedBytes
      readonly timeoutsMs: Float64Array
      readonly marks: readonly EntryMark[]
    }
  | { readonly kind: 'applyBatch'; readonly commands: PackedBytes; readonly timeoutMs: number }
  | { readonly kind: 'readIndex'; readonly lease: boolean; readonly timeoutMs: number }
  /** Answered by `index`: that of the change, 0 where there is none. */
  | { readonly kind: 'administer'; readonly request: AdminRequest; readonly timeoutMs: number }
  /** How the members do, as the leader sees them. An older release refuses it. */
  | { readonly kind: 'peers'; readonly timeoutMs: number }

export type ForwardReply =
  | { readonly kind: 'applied'; readonly outcomes: readonly ForwardedOutcome[] }
  | {
      readonly kind: 'appliedBatch'
      readonly firstIndex: number
      readonly term: number
      readonly results: readonly ForwardedResult[]
    }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'peers'; readonly peers: readonly PeerReport[] }
  /** The whole request failed so. */
  | { readonly kind: 'failed'; readonly error: RaftErrorData }

export type ForwardedOutcome =
  | { readonly ok: true; readonly index: number; readonly term: number; readonly result: unknown }
  | { readonly ok: false; readonly error: RaftErrorData }

export type ForwardedResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: RaftErrorData }

/** Byte strings one after the other. */
export interface PackedBytes {
  readonly lengths: Uint32Array
  readonly bytes: Uint8Array
}

const VERSION = 1

interface Envelope<Body> {
  readonly version: number
  readonly body: Body
}

export function encodeForward(body: ForwardRequest | ForwardReply): Uint8Array {
  return serialize({ version: VERSION, body } satisfies Envelope<unknown>)
}

/** @throws Error when the bytes are no request that this release knows. */
export function decodeForwardRequest(bytes: Uint8Array): ForwardRequest {
  const body = opened(bytes)
  if (isForwardRequest(body)) return body
  throw new Error(`a forwarded request that is none: ${kindOf(body)}`)
}

/** @throws Error when the bytes are no reply that this release knows. */
export function decodeForwardReply(bytes: Uint8Array): ForwardReply {
  const body = opened(bytes)
  if (isForwardReply(body)) return body
  throw new Error(`the reply to a forwarded request is none: ${kindOf(body)}`)
}

function opened(bytes: Uint8Array): unknown {
  const envelope = deserialize(bytes) as Partial<Envelope<unknown>> | null
  if (envelope?.version === VERSION) return envelope.body
  throw new Error(`expected a forwarded body of version ${VERSION}, found ${envelope?.version}`)
}

function kindOf(body: unknown): string {
  const kind = (body as { readonly kind?: unknown } | null | undefined)?.kind
  return typeof kind === 'string' ? kind.slice(0, 40) : typeof body
}

export function packBytes(items: readonly Uint8Array[]): PackedBytes {
  const lengths = Uint32Array.from(items, (item) => item.length)
  const bytes = new Uint8Array(items.reduce((sum, item) => sum + item.length, 0))
  let offset = 0
  for (const item of items) {
    bytes.set(item, offset)
    offset += item.length
  }
  return { lengths, bytes }
}

export function unpackBytes({ lengths, bytes }: PackedBytes): Uint8Array[] {
  let offset = 0
  return Array.from(lengths, (length) => {
    const item = bytes.subarray(offset, offset + length)
    offset += length
    return item
  })
}
