import type { Prng } from '../../../lib/runtime/prng.js'

/** Numbers at which readers of lengths and counts go wrong. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const LONGEST = 64 * 1024

/** Some bytes made from good ones: one to four changes, each of any kind, drawn from the seed. */
export function mutated(samples: readonly Uint8Array[], random: Prng): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(samples) ?? new Uint8Array(0))
  for (let changes = random.integer(1, 4); changes > 0; changes--) {
    const change = random.pick(CHANGES)
    if (change !== undefined) bytes = change(bytes, random, samples)
  }
  return bytes.subarray(0, Math.max(LONGEST, samples[0]?.length ?? 0))
}

type Change = (bytes: Buffer, random: Prng, samples: readonly Uint8Array[]) => Buffer

const CHANGES: readonly Change[] = [
  flipBit,
  flipBit,
  setByte,
  setEdge,
  setEdge,
  cutShort,
  remove,
  insert,
  repeat,
  splice,
]

function flipBit(bytes: Buffer, random: Prng): Buffer {
  const at = place(bytes, random)
  if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7))
  return bytes
}

function setByte(bytes: Buffer, random: Prng): Buffer {
  const at = place(bytes, random)
  if (at < bytes.length) bytes[at] = random.integer(0, 255)
  return bytes
}

/** A number of one, two, four or eight bytes becomes one at the edge of its range. */
function setEdge(bytes: Buffer, random: Prng): Buffer {
  const width = 1 << random.integer(0, 3)
  const at = place(bytes, random)
  if (at + width > bytes.length) return bytes
  const value = random.pick(EDGES) ?? 0
  bytes.fill(value === 0xffff_ffff ? 0xff : 0, at, at + width)
  const written = Math.min(width, 4)
  bytes.writeUIntLE(value % 2 ** (8 * written), at, written)
  return bytes
}

function cutShort(bytes: Buffer, random: Prng): Buffer {
  return bytes.subarray(0, random.integer(0, bytes.length))
}

function remove(bytes: Buffer, random: Prng): Buffer {
  const [from, to] = range(bytes, random)
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
}

function insert(bytes: Buffer, random: Prng): Buffer {
  const at = random.integer(0, bytes.length)
  const more = Buffer.from({ length: random.integer(1, 16) }).map(() => random.integer(0, 255))
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
}

function repeat(bytes: Buffer, random: Prng): Buffer {
  const [from, to] = range(bytes, random)
  const times = random.chance(0.1) ? random.integer(2, 2000) : 2
  const run = Buffer.alloc(Math.min(LONGEST, (to - from) * times), bytes.subarray(from, to))
  return Buffer.concat([bytes.subarray(0, from), run, bytes.subarray(to)])
}

/** The beginning of one sample and the end of another. */
function splice(bytes: Buffer, random: Prng, samples: readonly Uint8Array[]): Buffer {
  const other = random.pick(samples) ?? bytes
  const at = random.integer(0, Math.min(bytes.length, other.length))
  return Buffer.concat([bytes.subarray(0, at), other.subarray(at)])
}

/** Half of the places are near the beginning, where heads are. */
function place(bytes: Buffer, random: Prng): number {
  return random.integer(
    0,
    Math.max(0, (random.chance(0.5) ? Math.min(bytes.length, 64) : bytes.length) - 1),
  )
}

function range(bytes: Buffer, random: Prng): readonly [number, number] {
  const from = random.integer(0, bytes.length)
  return [from, random.integer(from, Math.min(bytes.length, from + random.integer(1, 64)))]
}
