import t from 'tap'
import type { Configuration } from '../../lib/core/types.js'
import { decodeConfiguration, encodeConfiguration } from '../../lib/log/configuration-codec.js'

const SERVERS = [
  { id: 'n1', address: 'a:1', suffrage: 'voter', addedAt: 1, meta: { http: 'http://a' } },
  { id: 'n2', address: 'b:1', suffrage: 'nonvoter', addedAt: 9 },
] as const

t.test('a configuration comes back, joint or not', async (t) => {
  const simple: Configuration = { servers: SERVERS }
  const joint: Configuration = { servers: SERVERS, outgoing: [SERVERS[0]] }
  t.same(decodeConfiguration(encodeConfiguration(simple)), simple)
  t.same(decodeConfiguration(encodeConfiguration(joint)), joint)
})

t.test('it is read from shared memory too', async (t) => {
  const bytes = encodeConfiguration({ servers: SERVERS })
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  t.same(decodeConfiguration(shared), { servers: SERVERS })
})

const wrong: readonly (readonly [string, unknown])[] = [
  ['no object', 7],
  ['a later version', { version: 2, servers: [] }],
  ['no servers', { version: 1 }],
  ['a server without an id', { version: 1, servers: [{ ...SERVERS[0], id: undefined }] }],
  ['an unknown suffrage', { version: 1, servers: [{ ...SERVERS[0], suffrage: 'king' }] }],
  ['a fraction of an index', { version: 1, servers: [{ ...SERVERS[0], addedAt: 1.5 }] }],
  ['meta that is no text', { version: 1, servers: [{ ...SERVERS[0], meta: { a: 1 } }] }],
  ['outgoing that is no list of servers', { version: 1, servers: [], outgoing: [1] }],
]

for (const [name, value] of wrong) {
  t.test(`${name} is refused by type`, async (t) => {
    const bytes = new TextEncoder().encode(JSON.stringify(value))
    t.throws(() => decodeConfiguration(bytes), { code: 'RAFT_CORRUPT', fault: 'configuration' })
  })
}

t.test('bytes that are no JSON are refused by type', async (t) => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff, 0xfe), Uint8Array.of(0x7b)]) {
    t.throws(() => decodeConfiguration(bytes), { code: 'RAFT_CORRUPT', fault: 'configuration' })
  }
})
