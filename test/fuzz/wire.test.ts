import { crc32 } from 'node:zlib'
import { TransportError } from '../../lib/transport/errors.js'
import { encodeFrameHead, FrameParser } from '../../lib/transport/frame.js'
import {
  decodeHello,
  decodeWelcome,
  encodeHello,
  encodeWelcome,
  HandshakeReader,
} from '../../lib/transport/handshake.js'
import { FrameType } from '../../lib/transport/messages.js'
import { fuzz } from './support/fuzz.js'
import { payload, wireMessages } from './support/wire-messages.js'

/** Fuzzed: the handshake, frames, and the head of every message between nodes. */

const refuses = (error: unknown): boolean => error instanceof TransportError
const limits = { maxHeadBytes: 4096, maxPayloadBytes: 64 * 1024 }

/** Frames as TCP brings them: header, head and payload. */
const frames = wireMessages.map(({ type, head }) => {
  const frame = { type, head, payload: type === FrameType.snapshotChunk ? [payload] : [] }
  return Buffer.concat([encodeFrameHead(frame), ...frame.payload])
})

fuzz({
  name: 'a stream of frames',
  samples: [Buffer.concat(frames), ...frames],
  // The checksum of the first frame; those behind it keep theirs.
  seal: (bytes) => {
    if (bytes.length < 16) return
    const head = bytes.subarray(16, 16 + bytes.readUInt32LE(4))
    bytes.writeUInt32LE(crc32(head, crc32(bytes.subarray(0, 12))), 12)
  },
  read: (bytes) => {
    const parser = new FrameParser(limits, {
      allocate: (_type, _head, length) => new Uint8Array(length),
      frame: () => {},
    })
    // In pieces, as it comes.
    for (let at = 0; at < bytes.length; at += 37) parser.push(bytes.subarray(at, at + 37))
  },
  refuses,
  maxBytes: 2 * 1024 * 1024,
})

for (const { name, head, decode } of wireMessages) {
  fuzz({
    name: `the head of a message: ${name}`,
    samples: [head],
    read: decode,
    refuses,
    inputs: 500,
  })
}

const identity = { version: 1, cluster: 'orders', nodeId: 'n1', incarnation: 'a1b2' }
const hello = encodeHello({ ...identity, purpose: 'data', to: 'n2', generation: 'g2', addedAt: 3 })
const refusal = { code: 'RAFT_LOST_STATE', message: 'remove it, then add it again' }
const welcome = encodeWelcome({ ...identity, refusal })

/** Of a whole message of this length; where the length is wrong, so is the checksum. */
function sealHandshake(bytes: Buffer): void {
  if (bytes.length < 16) return
  bytes.writeUInt16LE(Math.min(0xffff, bytes.length - 16), 10)
  bytes.writeUInt32LE(crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), 12)
}

for (const [kind, sample, decode] of [
  ['hello', hello, decodeHello],
  ['welcome', welcome, decodeWelcome],
] as const) {
  fuzz({
    name: `the handshake: ${kind}`,
    samples: [sample],
    seal: sealHandshake,
    read: (bytes) => {
      const found = new HandshakeReader(kind).push(bytes)
      if (found !== null) decode(found.version, found.body)
    },
    refuses,
    maxBytes: 1024 * 1024,
  })
}
