import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AccessControl } from '../../lib/kv/access.js'
import { readTokens } from '../../lib/kv/tokens.js'
import { fakeService } from './fake-replica.js'

const data = 'data-token-data-token'
const admin = 'admin-token-admin-token'

const publicRoutes = ['GET /', 'GET /page/figures.js', 'GET /healthz', 'GET /readyz']
const dataRoutes = [
  'GET /status',
  'GET /live',
  'GET /members',
  'GET /metrics',
  'GET /kv',
  'GET /kv/a',
  'HEAD /kv/a',
  'PUT /kv/a',
]
const adminRoutes = [
  'POST /members',
  'PUT /members/n2',
  'DELETE /members/n2',
  'POST /leadership',
  'POST /snapshot',
  'GET /snapshot',
  'HEAD /snapshot',
  'POST /restore',
  'GET /diagnostics',
]

type Service = ReturnType<typeof fakeService>['app']

async function ask(app: Service, route: string, authorization?: string) {
  const [method, url = ''] = route.split(' ')
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await app.inject({ method: method as 'GET', url, headers })
  const challenge = answer.headers['www-authenticate']
  return { status: answer.statusCode, challenge, body: answer.body }
}

/** Whatever a route makes of an empty request, it was let through. */
function isOpen(status: number): boolean {
  return status !== 401 && status !== 403
}

t.test('without a token only probes are answered, and the answer says what to send', async (t) => {
  const { app, node } = fakeService(undefined, { tokens: { data, admin } })
  for (const route of publicRoutes) t.ok(isOpen((await ask(app, route)).status), route)
  for (const route of [...dataRoutes, ...adminRoutes]) {
    t.match(await ask(app, route), { status: 401, challenge: 'Bearer realm="troupe"' }, route)
  }
  t.match(JSON.parse((await ask(app, 'GET /kv/a')).body), { error: { code: 'HTTP_UNAUTHORIZED' } })
  t.equal(node.applies.length, 0)
})

t.test(
  'the data token opens the keys and the views, and nothing that changes the cluster',
  async (t) => {
    const { app } = fakeService(undefined, { tokens: { data, admin } })
    for (const route of dataRoutes) {
      t.ok(isOpen((await ask(app, route, `Bearer ${data}`)).status), route)
    }
    for (const route of adminRoutes) {
      const challenge = /error="insufficient_scope", scope="admin"/
      t.match(await ask(app, route, `Bearer ${data}`), { status: 403, challenge }, route)
    }
  },
)

t.test('the admin token opens everything', async (t) => {
  const { app } = fakeService(undefined, { tokens: { data, admin } })
  for (const route of [...dataRoutes, ...adminRoutes]) {
    t.ok(isOpen((await ask(app, route, `Bearer ${admin}`)).status), route)
  }
})

t.test('what has no token of its own stays shut', async (t) => {
  const onlyData = fakeService(undefined, { tokens: { data } }).app
  t.equal((await ask(onlyData, 'POST /snapshot', `Bearer ${data}`)).status, 403)
  const onlyAdmin = fakeService(undefined, { tokens: { admin } }).app
  t.equal((await ask(onlyAdmin, 'GET /kv/a')).status, 401)
  t.equal((await ask(onlyAdmin, 'GET /kv/a', `Bearer ${admin}`)).status, 404)
})

t.test('a route that does not say who may use it is for the admin', async (t) => {
  const control = new AccessControl({ data: [data], admin: [admin] })
  const request = (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return { headers, routeOptions: { config: {} } } as Parameters<AccessControl['check']>[0]
  }
  t.throws(() => control.check(request(data)), { code: 'HTTP_FORBIDDEN' })
  t.doesNotThrow(() => control.check(request(admin)))
})

t.test('other schemes, near misses and garbage are 401', async (t) => {
  const { app } = fakeService(undefined, { tokens: { data, admin } })
  const wrong = [
    '',
    'Bearer',
    'Bearer  ',
    `Basic ${data}`,
    data,
    `Bearer ${data}x`,
    `Bearer ${data.slice(0, -1)}`,
    `Bearer ${data} ${admin}`,
    `Bearer ${'x'.repeat(5000)}`,
    'Bearer \u00fc',
  ]
  for (const header of wrong) t.equal((await ask(app, 'GET /kv/a', header)).status, 401, header)
  t.equal((await ask(app, 'GET /kv/a', `bearer ${data}`)).status, 404, 'the scheme has any case')
})

t.test('a file holds the new token beside the old one while clients change over', async (t) => {
  const file = join(t.testdir({}), 'tokens')
  writeFileSync(file, `${data}\n\n${admin}\r\n`)
  t.same(readTokens('the data token', { file }), [data, admin])
})

t.test('a token that could be guessed, or is none, is refused without being shown', async (t) => {
  const file = join(t.testdir({ empty: '\n' }), 'empty')
  for (const source of ['short', 'with spaces with spaces', 'x'.repeat(513), { file }]) {
    try {
      readTokens('the admin token', source)
      t.fail('it was taken')
    } catch (error) {
      t.match(error, { code: 'RAFT_CONFIG_INVALID', message: /^the admin token/ })
      if (typeof source === 'string') t.notMatch((error as Error).message, source)
    }
  }
  t.throws(() => readTokens('the admin token', { file: join(file, 'none') }), {
    code: 'RAFT_CONFIG_INVALID',
  })
})
