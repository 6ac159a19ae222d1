import t from 'tap'
import { createKvServer } from '../../../lib/kv/service.js'
import { FakeReplica, fakeService } from '../fake-replica.js'

t.test('GET / is the page, which takes only what it names itself', async (t) => {
  const { app } = fakeService()
  const page = await app.inject('/')
  t.equal(page.statusCode, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  const policy = String(page.headers['content-security-policy'])
  const [, nonce = ''] = /script-src 'nonce-([^']{20,})'/.exec(policy) ?? []
  t.match(policy, /^default-src 'none'; .*connect-src 'self'.*frame-ancestors 'none'/)
  t.notMatch(policy, /unsafe|\*|https?:/)
  const tags = page.body.match(/<(script|link rel="stylesheet")[^>]*>/g) ?? []
  t.equal(tags.length, 4)
  t.ok(tags.every((tag) => tag.includes(`nonce="${nonce}"`)))
  t.notMatch(page.body, /https?:\/\/|\{\{| style="| on\w+="/)
  const again = await app.inject('/')
  t.not(again.headers['content-security-policy'], policy, 'each answer has its own nonce')
  t.equal((await app.inject('/?x=1')).statusCode, 400)
})

t.test('every file that the page asks for is there, and nothing else', async (t) => {
  const { app } = fakeService()
  const page = (await app.inject('/')).body
  const asked = [...page.matchAll(/(?:href|src)="(page\/[^"]+)"/g)].map(([, name = '']) => name)
  t.equal(asked.length, 5)
  for (const name of asked) {
    const { statusCode, body, headers } = await app.inject(`/${name}`)
    t.equal(statusCode, 200, name)
    t.equal(headers['x-content-type-options'], 'nosniff')
    for (const [, found = ''] of body.matchAll(/^import .* from '(.*)'/gm)) {
      const imported = new URL(found, `http://h/${name}`).pathname.slice(1)
      if (!asked.includes(imported)) asked.push(imported)
    }
  }
  t.ok(asked.length > 10)
  for (const path of ['x.js', 'live-feed.js', 'browser/tsconfig.json', '..%2fservice.js', '']) {
    t.equal((await app.inject(`/page/${path}`)).statusCode, 404, path)
  }
  t.equal((await app.inject({ method: 'POST', url: '/' })).statusCode, 405)
})

t.test('GET /live answers once, or streams to whoever accepts events', async (t) => {
  const node = new FakeReplica()
  const app = createKvServer({ node, listen: '127.0.0.1:0' })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const once = await fetch(`${address}/live`)
  t.match(await once.json(), {
    node: { id: 'n1', cluster: 'test', term: 3, leader: 'n2' },
    mayAct: true,
    verdicts: [{ key: 'no-member' }],
  })
  const answer = await fetch(`${address}/live`, { headers: { accept: 'text/event-stream' } })
  t.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const reader = answer.body?.getReader()
  const { value } = (await reader?.read()) ?? {}
  t.match(Buffer.from(value ?? []).toString(), /^data: \{"at":/)
  // It does not wait for a viewer that would stay for ever.
  await app.close()
  while ((await reader?.read())?.done !== true) t.pass('what was on its way')
})

t.test('with tokens the page comes to anyone, what it shows to those with a token', async (t) => {
  const tokens = { data: 'data-token-0123456789', admin: 'admin-token-0123456789' }
  const app = createKvServer({ node: new FakeReplica(), listen: '127.0.0.1:0', tokens })
  t.equal((await app.inject('/')).statusCode, 200)
  t.equal((await app.inject('/page/browser/main.js')).statusCode, 200)
  t.equal((await app.inject('/live')).statusCode, 401)
  const live = async (token: string) => {
    const answer = await app.inject({ url: '/live', headers: { authorization: `Bearer ${token}` } })
    return answer.json().mayAct
  }
  t.strictSame([await live(tokens.data), await live(tokens.admin)], [false, true])
})
