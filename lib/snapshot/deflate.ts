import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { giveBackAll } from '../runtime/give-back.js'
import { SnapshotStoreError } from './errors.js'

/** Compression pays when it saves at least a tenth of what is sent. */
const WORTH_IT = 0.9
/** A chunk is judged by so many bytes at each of so many places in it before all of it is deflated. */
const SAMPLE_BYTES = 8 * 1024
const SAMPLES = 4
/** The fastest level: a chunk must not wait longer for its compression than it takes to send. */
const LEVEL = 1
/** Room behind the output, without which zlib makes another piece of its size. */
const SPARE_BYTES = 64

/**
 * Deflates `bytes` into `room`, which is as long, if that pays. Returns the length, or 0: send it as it is.
 * Decided by trial, first on a sample: what is compressed already costs next to nothing.
 */
export function deflateInto(bytes: Uint8Array, room: Uint8Array): number {
  const sample = sampleOf(bytes)
  if (sample.length < bytes.length && deflate(sample, room) === 0) return 0
  return deflate(bytes, room)
}

/**
 * Inflates `bytes` into `state`, which it must fill exactly.
 * @throws SnapshotStoreError RAFT_CORRUPT
 */
export function inflateInto(bytes: Uint8Array, state: Uint8Array): void {
  const { length } = state
  let inflated: Uint8Array
  try {
    // Never more than announced, whatever the bytes claim to unfold to.
    inflated = inflateRawSync(bytes, { maxOutputLength: length, chunkSize: length + SPARE_BYTES })
  } catch (error) {
    throw notInflated(bytes.length, length, error)
  }
  if (inflated.length !== length) throw notInflated(inflated.length, length)
  state.set(inflated)
  giveBackAll(inflated)
}

/** The length of what was written into `room`; 0: it does not pay. */
function deflate(bytes: Uint8Array, room: Uint8Array): number {
  const deflated = deflateRawSync(bytes, { level: LEVEL, chunkSize: bytes.length + SPARE_BYTES })
  const { length } = deflated
  const pays = length < bytes.length * WORTH_IT
  if (pays) room.set(deflated)
  giveBackAll(deflated)
  return pays ? length : 0
}

function sampleOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= SAMPLES * SAMPLE_BYTES) return bytes
  const sample = new Uint8Array(SAMPLES * SAMPLE_BYTES)
  const stride = Math.floor((bytes.length - SAMPLE_BYTES) / (SAMPLES - 1))
  for (let i = 0; i < SAMPLES; i++) {
    const start = i * stride
    sample.set(bytes.subarray(start, start + SAMPLE_BYTES), i * SAMPLE_BYTES)
  }
  return sample
}

function notInflated(found: number, length: number, cause?: unknown): SnapshotStoreError {
  return new SnapshotStoreError(
    'RAFT_CORRUPT',
    `a compressed chunk of ${found} bytes does not unfold to the ${length} bytes of state announced`,
    { details: { found, length }, ...(cause === undefined ? {} : { cause }) },
  )
}
