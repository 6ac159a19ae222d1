import t from 'tap'
import { advertisedAddress, isLoopback, parseAddress } from '../../lib/transport/address.js'
import { TransportError } from '../../lib/transport/errors.js'
import { DEFAULT_LIMITS, resolveLimits } from '../../lib/transport/limits.js'
import { createTransport } from '../../lib/transport/tcp-transport.js'
import { tcpTransport } from '../../lib/transport/transports.js'
import { ManualContext } from './support/manual-context.js'

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof TransportError) return error.code
    throw error
  }
  return undefined
}

t.test('an address is host:port, IPv6 hosts in brackets', async (t) => {
  t.same(parseAddress('n1.local:7701'), { host: 'n1.local', port: 7701 })
  t.same(parseAddress('[::1]:0'), { host: '::1', port: 0 })
  for (const wrong of ['', 'n1', 'n1:', ':1', '::1:80', 'n1:70000', 'n1:7x', '[]:1', '[::1]']) {
    t.equal(
      codeOf(() => parseAddress(wrong)),
      'RAFT_ADDRESS_INVALID',
      wrong,
    )
  }
})

t.test('only addresses of this machine are loopback', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1']) t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.org']) t.notOk(isLoopback(host), host)
})

t.test('port 0 is advertised as the port really bound', async (t) => {
  t.equal(advertisedAddress('n1.local:0', '127.0.0.1:4711'), 'n1.local:4711')
  t.equal(advertisedAddress('n1.local:80', '127.0.0.1:4711'), 'n1.local:80')
})

t.test('a listener that other machines reach needs TLS or insecure: true', async (t) => {
  t.equal(
    codeOf(() => tcpTransport({ listen: '10.0.0.1:7701' })),
    'RAFT_INSECURE_LISTEN',
  )
  const context = new ManualContext()
  t.equal(
    codeOf(() => createTransport({ listen: '0.0.0.0:7701' }, context)),
    'RAFT_INSECURE_LISTEN',
  )
  t.equal(tcpTransport({ listen: '10.0.0.1:7701', insecure: true }).advertise, '10.0.0.1:7701')
})

t.test('a wildcard address needs one that others can dial', async (t) => {
  const listen = '0.0.0.0:7701'
  t.equal(
    codeOf(() => tcpTransport({ listen, insecure: true })),
    'RAFT_CONFIG_INVALID',
  )
  const spec = tcpTransport({ listen, insecure: true, advertise: 'n1.local:7701' })
  t.equal(spec.advertise, 'n1.local:7701')
})

t.test('limits are whole numbers above zero', async (t) => {
  t.same(resolveLimits({}), DEFAULT_LIMITS)
  for (const maxPayloadBytes of [0, -1, 1.5, Number.NaN, 2 ** 32]) {
    t.equal(
      codeOf(() => resolveLimits({ maxPayloadBytes })),
      'RAFT_CONFIG_INVALID',
      `${maxPayloadBytes}`,
    )
  }
})

t.test('the spec names a module that makes the transport', async (t) => {
  const { module, options } = tcpTransport({ listen: '127.0.0.1:0' })
  const loaded: typeof import('../../lib/transport/tcp-transport.js') = await import(module)
  t.equal(loaded.createTransport, createTransport)
  t.same(structuredClone(options), options)
})
