import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { loadCredentials, readCredentials } from '../../lib/transport/certificates.js'
import { checkIdentity, identitiesIn, identityUri } from '../../lib/transport/peer-identity.js'
import { type TcpOptions, tcpTransport } from '../../lib/transport/transports.js'
import { TestAuthority } from '../helpers/certificates.js'

const authority = new TestAuthority(t.testdir({}))
const n1 = authority.issue('n1', ['URI:troupe://orders/n1'])
const n2 = authority.issue('n2', ['URI:troupe://orders/n2'])
const invalid = { code: 'RAFT_CONFIG_INVALID' }

t.test('certificates are PEM text or the paths of files', async (t) => {
  const paths = { cert: authority.path('n1.pem'), key: authority.path('n1.key') }
  const ca = authority.caPath
  t.same(readCredentials('tls', { ...paths, ca }), n1)
  t.same(readCredentials('tls', n1), n1)
  t.same(await loadCredentials('tls', { ...paths, ca }), n1)
  t.same(readCredentials('tls', paths), { ...n1, ca: null })
})

t.test('what cannot be used is refused, naming the part and showing no key', async (t) => {
  writeFileSync(authority.path('garbage.pem'), 'hello')
  const cases: readonly (readonly [string, Partial<typeof n1>])[] = [
    ['tls.cert', { cert: authority.path('none.pem') }],
    ['tls.cert', { cert: authority.path('garbage.pem') }],
    ['tls.key', { key: authority.path('garbage.pem') }],
    ['tls.key', { key: n2.key }],
    ['tls.ca', { ca: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }],
    ['tls.cert', { cert: '' }],
  ]
  for (const [part, wrong] of cases) {
    const source = { ...n1, ...wrong }
    t.throws(() => readCredentials('tls', source), invalid, part)
    const error = await loadCredentials('tls', source).catch((error: Error) => error)
    t.ok(error instanceof Error && error.message.startsWith(part), `${part}: ${error}`)
    t.notMatch(String(error), /PRIVATE KEY/)
  }
})

t.test('an expired certificate is refused where it is given', async (t) => {
  const expired = authority.issueExpired('expired')
  t.throws(() => readCredentials('tls', expired), { ...invalid, message: /expired on/ })
})

t.test('an identity is a URI with both names percent-encoded', async (t) => {
  t.equal(identityUri('orders', 'n1'), 'troupe://orders/n1')
  t.equal(identityUri('a/b c', 'ü,"\'1'), "troupe://a%2Fb%20c/%C3%BC%2C%22'1")
  const names = [
    'DNS:troupe://orders/n8',
    'URI:https://example.com/a',
    'URI:troupe://orders/a%2Cb',
    'URI:troupe://orders/n%31',
    'URI:troupe://orders/a/b',
    'URI:troupe://orders/%zz',
  ]
  const found = identitiesIn(new X509Certificate(authority.issue('many', names).cert))
  t.same(found, ['troupe://orders/a%2Cb', 'troupe://orders/n1'])
  t.same(identitiesIn(new X509Certificate(authority.issue('none', []).cert)), [])
})

t.test('a certificate proves the nodes that it names and no others', async (t) => {
  const proven = identitiesIn(new X509Certificate(n1.cert))
  t.doesNotThrow(() => checkIdentity(proven, 'orders', 'n1'))
  t.doesNotThrow(() => checkIdentity(null, 'orders', 'n2'), 'nothing has to be proven')
  for (const [cluster, id] of [
    ['orders', 'n2'],
    ['payments', 'n1'],
  ] as const) {
    t.throws(() => checkIdentity(proven, cluster, id), { code: 'RAFT_IDENTITY_MISMATCH' })
  }
})

t.test('tls takes cert, key and ca, all of them, and nothing else', async (t) => {
  const listen = '10.0.0.1:7701'
  const make = (tls: unknown) => tcpTransport({ listen, tls } as TcpOptions)
  t.equal(make(n1).advertise, listen, 'and needs no insecure: true')
  const { ca: _, ...withoutCa } = n1
  for (const wrong of [withoutCa, {}, null, 'n1.pem', { ...n1, rejectUnauthorized: false }]) {
    t.throws(() => make(wrong), invalid, JSON.stringify(wrong))
  }
  t.throws(() => make({ ...n1, reloadIntervalMs: -1 }), invalid)
  t.same(structuredClone(make(n1).options), make(n1).options, 'it crosses threads')
})
