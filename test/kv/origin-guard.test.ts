import t from 'tap'
import { OriginGuard } from '../../lib/kv/origin-guard.js'
import { fakeService } from './fake-replica.js'

function accepts(guard: OriginGuard, host: string, origin?: string): boolean {
  try {
    guard.check({ host, ...(origin !== undefined && { origin }) })
    return true
  } catch {
    return false
  }
}

t.test('a node on loopback answers to the names of loopback only', async (t) => {
  const guard = new OriginGuard('127.0.0.1')
  for (const host of ['127.0.0.1:8701', 'localhost:8701', 'LOCALHOST', '[::1]:8701', '127.0.0.1']) {
    t.ok(accepts(guard, host), host)
  }
  for (const host of [
    'evil.example',
    'evil.example:8701',
    '10.0.0.1',
    'localhost.evil.example',
    '',
  ]) {
    t.notOk(accepts(guard, host), host)
  }
})

t.test('a node on another address answers to that and to the names it is given', async (t) => {
  const guard = new OriginGuard('10.0.0.5', ['Raft1.example'])
  for (const host of ['10.0.0.5:80', 'raft1.example']) t.ok(accepts(guard, host), host)
  for (const host of ['localhost', '10.0.0.6', 'example']) t.notOk(accepts(guard, host), host)
  const everywhere = new OriginGuard('0.0.0.0')
  for (const host of ['10.1.2.3:80', 'localhost', '[fe80::1]:9']) t.ok(accepts(everywhere, host))
  t.notOk(accepts(everywhere, 'evil.example'))
})

t.test('requests of web pages come from the node itself only', async (t) => {
  const guard = new OriginGuard('127.0.0.1')
  t.ok(accepts(guard, '127.0.0.1:8701', 'http://127.0.0.1:8701'))
  for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'file://', '']) {
    t.notOk(accepts(guard, '127.0.0.1:8701', origin), origin)
  }
})

t.test('a foreign Host or Origin is 403 on every route, before any body is read', async (t) => {
  const { app, node } = fakeService()
  for (const url of ['/kv/a', '/kv', '/status', '/nothing', '/metrics']) {
    for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }]) {
      const answer = await app.inject({ method: 'POST', url, headers, payload: 'x' })
      t.equal(answer.statusCode, 403, `${url} ${JSON.stringify(headers)}`)
      t.equal(answer.json().error.code, 'HTTP_FORBIDDEN')
    }
  }
  t.equal(node.applies.length, 0)
})
