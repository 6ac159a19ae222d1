import t from 'tap'
import type { Outcome, RaftErrorCode } from '../../lib/node/error-codes.js'
import { RaftError } from '../../lib/node/errors.js'
import { fakeService, theLeader } from './fake-replica.js'

async function putFailing(code: RaftErrorCode, outcome?: Outcome, details = {}) {
  const { app, node } = fakeService()
  const options = outcome === undefined ? { details } : { outcome, details }
  node.failure = new RaftError(code, 'as told', options)
  return app.inject({ method: 'PUT', url: '/kv/a', payload: 'x' })
}

t.test('each error of the library has the status that the table gives it', async (t) => {
  const table: [RaftErrorCode, Outcome | undefined, number][] = [
    ['RAFT_NOT_LEADER', undefined, 503],
    ['RAFT_NO_LEADER', undefined, 503],
    ['RAFT_NOT_BOOTSTRAPPED', undefined, 503],
    ['RAFT_TRANSFER_IN_PROGRESS', undefined, 503],
    ['RAFT_OVERLOADED', undefined, 429],
    ['RAFT_ENTRY_TOO_LARGE', undefined, 413],
    ['RAFT_STORAGE_FULL', undefined, 507],
    ['RAFT_LEADERSHIP_LOST', undefined, 504],
    ['RAFT_ABORTED_BY_RESTORE', undefined, 504],
    ['RAFT_TIMEOUT', 'rejected', 503],
    ['RAFT_TIMEOUT', 'unknown', 504],
    ['RAFT_TIMEOUT', 'committed', 504],
    ['RAFT_CLOSED', 'rejected', 503],
    ['RAFT_CLOSED', 'unknown', 504],
    ['RAFT_STORE_FAILED', 'rejected', 503],
    ['RAFT_STORE_FAILED', 'unknown', 504],
    ['RAFT_STATE_MACHINE_FAILED', 'rejected', 503],
    ['RAFT_STATE_MACHINE_FAILED', 'committed', 504],
    ['RAFT_ABORTED', 'unknown', 504],
    ['RAFT_COMMAND_REJECTED', undefined, 422],
    ['RAFT_RESULT_LOST', undefined, 504],
    ['RAFT_UNKNOWN_SERVER', undefined, 404],
    ['RAFT_TOO_STALE', undefined, 503],
    ['RAFT_LEASE_UNAVAILABLE', undefined, 503],
  ]
  for (const [code, outcome, status] of table) {
    const answer = await putFailing(code, outcome)
    t.equal(answer.statusCode, status, `${code} ${outcome ?? ''}`)
    t.match(answer.json(), { error: { code, message: 'as told' } })
    const retryable = status === 503 || status === 429
    t.equal(answer.headers['retry-after'], retryable ? '1' : undefined, code)
    t.equal(answer.headers['troupe-index'], '10')
    t.match(answer.headers['content-type'], /^application\/json/)
  }
})

t.test('an error names the outcome, and the leader where it is known', async (t) => {
  const answer = await putFailing('RAFT_NOT_LEADER', undefined, { leader: theLeader })
  t.strictSame(answer.json(), {
    error: {
      code: 'RAFT_NOT_LEADER',
      message: 'as told',
      outcome: 'rejected',
      leader: { id: 'n2', address: '127.0.0.1:7702', http: 'http://127.0.0.1:8702' },
    },
  })
})

t.test('a leader of which only the name is known is not told', async (t) => {
  const answer = await putFailing('RAFT_LEADERSHIP_LOST', undefined, { leader: { id: 'n2' } })
  t.equal(answer.statusCode, 504)
  t.notHas(answer.json().error, { leader: {} })
})

t.test('an unexpected fault is 500, logged, and not shown', async (t) => {
  const { app, node, faults } = fakeService()
  node.failure = new TypeError('secret')
  const answer = await app.inject('/kv/a')
  t.equal(answer.statusCode, 500)
  t.notMatch(answer.body, 'secret')
  t.match(faults, [{ err: { message: 'secret' } }])
})

t.test('a method that a path does not know is 405 and names those it does', async (t) => {
  const { app } = fakeService()
  const table = [
    ['POST', '/kv/a', 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/kv/a', 'GET, HEAD, PUT, DELETE'],
    ['OPTIONS', '/kv/a', 'GET, HEAD, PUT, DELETE'],
    ['PUT', '/kv', 'GET, HEAD, POST'],
    ['DELETE', '/status', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['GET', '/leadership', 'POST'],
    ['GET', '/members/n1', 'PUT, DELETE'],
    ['DELETE', '/members', 'GET, HEAD, POST'],
    ['PUT', '/snapshot', 'GET, HEAD, POST'],
    ['GET', '/restore', 'POST'],
    ['POST', '/diagnostics', 'GET, HEAD'],
  ] as const
  for (const [method, url, allow] of table) {
    const headers = { 'content-type': 'text/odd' }
    const payload = method === 'POST' ? 'x' : undefined
    const answer = await app.inject({ method, url, headers, ...(payload && { payload }) })
    t.equal(answer.statusCode, 405, `${method} ${url}`)
    t.equal(answer.headers.allow, allow)
    t.equal(answer.json().error.code, 'HTTP_METHOD_NOT_ALLOWED')
  }
})

t.test('a path that there is not is 404', async (t) => {
  const { app } = fakeService()
  for (const url of ['/nothing', '/KV/a', '/status/', '/kvx']) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 404, url)
    t.equal(answer.json().error.code, 'HTTP_NOT_FOUND')
  }
})
