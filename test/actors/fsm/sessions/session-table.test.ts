import t from 'tap'
import { SESSION_WINDOW } from '../../../../lib/log/session-codec.js'
import { Tables } from './support.js'

t.test('a command that comes again is answered as the first time', async (t) => {
  const tables = new Tables()
  const id = tables.open()
  t.equal(tables.command(id, 1, 'one'), 'applied')
  t.strictSame(tables.command(id, 1, 'other'), { again: 'one' })
  t.equal(tables.command(id, 2), 'applied')
  t.strictSame(tables.command(id, 1), { again: 'one' })
})

t.test('commands may come in any order', async (t) => {
  const tables = new Tables()
  const id = tables.open()
  for (const sequence of [5, 2, 9]) t.equal(tables.command(id, sequence), 'applied')
  t.equal(tables.command(id, 1), 'applied')
  for (const sequence of [5, 2, 9]) t.strictSame(tables.command(id, sequence), { again: sequence })
})

t.test('sessions know nothing of each other, whatever their nonce', async (t) => {
  const tables = new Tables()
  const first = tables.open({ nonce: 7 })
  const second = tables.open({ nonce: 6 })
  t.not(first, second, 'ids do not meet even when nonce and index add up alike')
  t.equal(tables.command(first, 1, 'a'), 'applied')
  t.equal(tables.command(second, 1, 'b'), 'applied')
  t.strictSame(tables.command(first, 1), { again: 'a' })
  const far = tables.open({ nonce: Number.MAX_SAFE_INTEGER - 1 })
  t.ok(Number.isSafeInteger(far) && far > 0)
})

t.test('what its client waits for no more is forgotten, and never applied late', async (t) => {
  const tables = new Tables()
  const id = tables.open()
  tables.command(id, 1)
  tables.command(id, 3)
  tables.command(id, 4, 'x', 4)
  t.equal(tables.command(id, 1), 'RAFT_SESSION_EXPIRED', 'applied once')
  t.equal(tables.command(id, 2), 'RAFT_SESSION_EXPIRED', 'never applied, and given up')
  t.strictSame(tables.command(id, 4), { again: 'x' })
  t.equal(tables.command(id, 2 ** 40, 0, 2 ** 40), 'applied', 'a leap')
})

t.test('a session expires by log time alone, since its last use', async (t) => {
  const tables = new Tables()
  const id = tables.open({ timeoutMs: 1000 })
  tables.pass(1000)
  t.equal(tables.command(id, 1), 'applied', 'just in time')
  tables.pass(1000)
  t.match(tables.keepAlive(id), { ok: true })
  tables.pass(1000)
  t.strictSame(tables.command(id, 1), { again: 1 }, 'a keep-alive is a use')
  tables.pass(1001)
  t.equal(tables.command(id, 1), 'RAFT_SESSION_EXPIRED')
  t.equal(tables.command(id, 2), 'RAFT_SESSION_EXPIRED', 'and stays so')
  t.match(tables.keepAlive(id), { ok: false, error: { code: 'RAFT_SESSION_EXPIRED' } })
  t.equal(tables.repetitions.sessions.size, 0)
})

t.test('a short-lived session expires also behind a long-lived one', async (t) => {
  const tables = new Tables()
  const long = tables.open({ timeoutMs: 1_000_000 })
  const short = tables.open({ timeoutMs: 10 })
  tables.pass(11)
  t.equal(tables.command(short, 1), 'RAFT_SESSION_EXPIRED')
  t.equal(tables.command(long, 1), 'applied')
})

t.test('the sessions unused for longest make room', async (t) => {
  const tables = new Tables()
  const [a, b, c] = [tables.open(), tables.open(), tables.open()]
  tables.command(a, 1)
  tables.open({ maxSessions: 3 })
  t.equal(tables.command(b, 1), 'RAFT_SESSION_EXPIRED')
  t.equal(tables.command(a, 2), 'applied')
  t.equal(tables.command(c, 1), 'applied')
  const last = tables.open({ maxSessions: 1 })
  t.equal(tables.repetitions.sessions.size, 1)
  t.equal(tables.command(last, 1), 'applied')
})

t.test('a closed session is over, and closing it again is no fault', async (t) => {
  const tables = new Tables()
  const id = tables.open()
  for (let i = 0; i < 2; i++) t.match(tables.close(id), { ok: true })
  t.equal(tables.command(id, 1), 'RAFT_SESSION_EXPIRED')
})

t.test('results are kept up to a number of bytes, the oldest go first', async (t) => {
  const tables = new Tables()
  const id = tables.open({ maxResultBytes: 100 })
  tables.command(id, 1, 'a'.repeat(40))
  tables.command(id, 2, 'b'.repeat(40))
  tables.command(id, 3, 'c'.repeat(200))
  t.strictSame(tables.command(id, 1), { again: 'a'.repeat(40) })
  t.equal(tables.command(id, 3), 'RAFT_RESULT_LOST', 'too large by itself: applied all the same')
  tables.command(id, 4, 'd'.repeat(40))
  t.equal(tables.command(id, 1), 'RAFT_RESULT_LOST')
  t.strictSame(tables.command(id, 2), { again: 'b'.repeat(40) })
  tables.command(id, 5, 'e'.repeat(40), 3)
  t.strictSame(tables.command(id, 4), { again: 'd'.repeat(40) }, 'acknowledged ones made room')
})

t.test('a client that acknowledges nothing cannot go on for ever', async (t) => {
  const tables = new Tables()
  const id = tables.open()
  t.equal(tables.command(id, SESSION_WINDOW - 1), 'applied')
  t.equal(tables.command(id, SESSION_WINDOW), 'RAFT_OVERLOADED')
  t.equal(tables.command(id, SESSION_WINDOW, 0, 2), 'applied')
})
