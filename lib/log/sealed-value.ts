import { crc32 } from 'node:zlib'
import { type Steps, step } from '../runtime/steps.js'
import { StoreCorruptError } from './store.js'

/**
 * A small value with its own checksum, kept twice (S15): term and vote must outlive one damaged page.
 * A copy: crc u32 over the rest, version u8, payload.
 */

const VERSION = 1
const HEADER_BYTES = 5

/** Keys of the two copies. A store keeps keys that begin differently in different places. */
function keysOf(name: string): readonly [string, string] {
  return [`a/${name}`, `b/${name}`]
}

/** What to give to `Store.set` so that `readSealed` finds the payload under this name. */
export function sealed(name: string, payload: Uint8Array): Record<string, Uint8Array> {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  bytes[4] = VERSION
  bytes.set(payload, HEADER_BYTES)
  new DataView(bytes.buffer).setUint32(0, crc32(bytes.subarray(4)), true)
  const [first, second] = keysOf(name)
  return { [first]: bytes, [second]: bytes }
}

/**
 * The payload from the first copy that is whole, or null when neither copy exists.
 * @throws StoreCorruptError when a copy exists and none is whole.
 */
export function* readSealed(
  get: (key: string) => Uint8Array | null | Promise<Uint8Array | null>,
  name: string,
): Steps<Uint8Array | null> {
  let found = false
  for (const key of keysOf(name)) {
    const bytes = yield* step(get(key))
    const payload = bytes === null ? null : open(bytes)
    if (payload !== null) return payload
    if (bytes !== null) refuseLater(name, bytes)
    found ||= bytes !== null
  }
  if (!found) return null
  throw new StoreCorruptError(
    `both copies of ${name} are damaged. Move the data directory away and add this node again as a new member.`,
    0,
  )
}

/** For a look from outside: how many copies there are, how many of them are damaged, and the payload. */
export function inspectSealed(
  get: (key: string) => Uint8Array | null,
  name: string,
): { readonly payload: Uint8Array | null; readonly copies: number; readonly damaged: number } {
  const copies = keysOf(name).flatMap((key) => get(key) ?? [])
  const payloads = copies.map(open)
  const damaged = payloads.filter((payload) => payload === null).length
  return {
    payload: payloads.find((found) => found !== null) ?? null,
    copies: copies.length,
    damaged,
  }
}

function open(bytes: Uint8Array): Uint8Array | null {
  return isWhole(bytes) && bytes[4] === VERSION ? bytes.subarray(HEADER_BYTES) : null
}

/** The version is judged after the checksum, so a flipped bit is damage and not "a later release". */
function refuseLater(name: string, bytes: Uint8Array): void {
  const version = bytes[4] ?? 0
  if (version <= VERSION || !isWhole(bytes)) return
  throw new StoreCorruptError(
    `${name} has version ${version}, this release knows ${VERSION}: a later release wrote it. Start that release on this directory.`,
    0,
  )
}

function isWhole(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.getUint32(0, true) === crc32(bytes.subarray(4))
}
