import fastify from 'fastify'
import t from 'tap'
import { answerFor } from '../../lib/kv/http-errors.js'
import type { KvReplica } from '../../lib/kv/replica.js'
import { metricsRoute } from '../../lib/kv/service-metrics.js'
import { FakeReplica, fakeService } from './fake-replica.js'

t.test('GET /metrics serves the node and its process to Prometheus', async (t) => {
  const { app } = fakeService()
  const answer = await app.inject({ url: '/metrics' })
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/)
  t.match(answer.body, /^troupe_applied_index\{cluster="test",node="n1"\} 10$/m)
  t.match(answer.body, /^process_resident_memory_bytes \d+$/m)
  t.equal((await app.inject({ url: '/metrics?x=1' })).statusCode, 400)
  t.equal((await app.inject({ method: 'POST', url: '/metrics' })).statusCode, 405)
  await app.close()
})

t.test('without prom-client it says what to install, and the rest is served', async (t) => {
  const app = fastify()
  app.setErrorHandler((error, _, reply) => {
    const { status, body } = answerFor(error) ?? { status: 500, body: {} }
    reply.code(status).send(body)
  })
  const missing = Object.assign(new Error("Cannot find package 'prom-client'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  metricsRoute(app, new FakeReplica() satisfies KvReplica, () => Promise.reject(missing))
  const answer = await app.inject({ url: '/metrics' })
  t.equal(answer.statusCode, 501)
  t.match(answer.json(), {
    error: { code: 'RAFT_NOT_AVAILABLE', message: /npm install prom-client/ },
  })
  await app.close()
})
