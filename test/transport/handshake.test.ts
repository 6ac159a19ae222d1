import t from 'tap'
import { Prng } from '../../lib/runtime/prng.js'
import { TransportError } from '../../lib/transport/errors.js'
import {
  decodeHello,
  decodeWelcome,
  encodeHello,
  encodeWelcome,
  HandshakeReader,
  MAX_HANDSHAKE_BODY,
} from '../../lib/transport/handshake.js'
import { helloOfN1, welcomeOfN2 } from './support/identities.js'

function errorOf(run: () => unknown): TransportError | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof TransportError) return error
    throw error
  }
  return undefined
}

function readHello(chunks: readonly Uint8Array[]) {
  const reader = new HandshakeReader('hello')
  for (const chunk of chunks) {
    const whole = reader.push(chunk)
    if (whole !== null) return { hello: decodeHello(whole.version, whole.body), rest: whole.rest }
  }
  return null
}

t.test(
  'a Hello split at every byte boundary is read, and what follows is given back',
  async (t) => {
    const bytes = Buffer.concat([encodeHello(helloOfN1), Buffer.from('rest')])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const read = readHello([bytes.subarray(0, cut), bytes.subarray(cut)])
      t.same(read?.hello, helloOfN1)
    }
    t.same(Buffer.from(readHello([bytes])?.rest ?? []).toString(), 'rest')
  },
)

t.test(
  'a Welcome comes back with a refusal, with a word for the greeted one (S16), and without',
  async (t) => {
    const refused = { ...welcomeOfN2, refusal: { code: 'RAFT_LOST_STATE', message: 'unknown' } }
    const vouching = { ...welcomeOfN2, vouches: true }
    for (const welcome of [welcomeOfN2, refused, vouching]) {
      const whole = new HandshakeReader('welcome').push(encodeWelcome(welcome))
      t.same(whole && decodeWelcome(whole.version, whole.body), welcome)
    }
  },
)

t.test('versions and features come across, and have bounds', async (t) => {
  const hello = { ...helloOfN1, version: 3, minVersion: 1, features: ['sessions', 'x'.repeat(32)] }
  t.same(readHello([encodeHello(hello)])?.hello, hello)
  for (const features of [['x'.repeat(33)], Array.from({ length: 65 }, (_, i) => `${i}`)]) {
    const error = errorOf(() => readHello([encodeHello({ ...helloOfN1, features })]))
    t.equal(error?.code, 'RAFT_MESSAGE_MALFORMED')
  }
})

t.test('HTTP is noticed at its first byte and named', async (t) => {
  const request = Buffer.from('GET /status HTTP/1.1\r\nHost: x\r\n\r\n')
  const error = errorOf(() => readHello([request]))
  t.equal(error?.code, 'RAFT_HANDSHAKE_INVALID')
  t.match(error?.message, /HTTP/)
  t.equal(errorOf(() => readHello([request.subarray(0, 1)]))?.code, 'RAFT_HANDSHAKE_INVALID')
})

t.test('a Welcome where a Hello is due is refused', async (t) => {
  const error = errorOf(() => readHello([encodeWelcome(welcomeOfN2)]))
  t.equal(error?.code, 'RAFT_HANDSHAKE_INVALID')
})

t.test('a body longer than the bound is refused at its prelude', async (t) => {
  const bytes = Buffer.from(encodeHello(helloOfN1))
  bytes.writeUInt16LE(MAX_HANDSHAKE_BODY + 1, 10)
  t.equal(errorOf(() => readHello([bytes.subarray(0, 16)]))?.code, 'RAFT_HANDSHAKE_INVALID')
})

t.test('a Hello of a later version, with more fields, still tells who sends it', async (t) => {
  const later = { ...helloOfN1, version: 2 }
  const whole = new HandshakeReader('hello').push(encodeHello(later))
  const longer = Buffer.concat([whole?.body ?? Buffer.alloc(0), Buffer.from([1, 2, 3])])
  t.same(decodeHello(2, longer), later)
  t.equal(errorOf(() => decodeHello(1, longer))?.code, 'RAFT_MESSAGE_MALFORMED')
})

t.test('fuzz: every flipped bit of a Hello is refused or waits for more', async (t) => {
  const good = encodeHello(helloOfN1)
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bytes = Buffer.from(good)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    let read: ReturnType<typeof readHello> = null
    const error = errorOf(() => {
      read = readHello([bytes])
    })
    if (error === undefined && read !== null) t.fail(`bit ${bit} was not noticed`)
  }
})

t.test('fuzz: random bytes give a TransportError and nothing else', async () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const prng = new Prng(seed)
    const bytes = Uint8Array.from({ length: 64 }, () => prng.next() & 0xff)
    const whole =
      seed % 2 === 0 ? bytes : Buffer.concat([encodeHello(helloOfN1).subarray(0, 20), bytes])
    errorOf(() => readHello([whole]))
    errorOf(() => decodeHello(1, bytes))
    errorOf(() => decodeWelcome(1, bytes))
  }
})
