import t from 'tap'
import { Tables } from './support.js'

t.test('a key is good for one command', async (t) => {
  const tables = new Tables()
  t.equal(tables.key('a', 1), 'applied')
  t.strictSame(tables.key('a', 2), { again: 1 })
  t.equal(tables.key('b', 2), 'applied')
  t.equal(tables.key('a', 1, { request: 'other' }), 'RAFT_IDEMPOTENCY_KEY_REUSED')
  t.strictSame(tables.key('a', 2), { again: 1 }, 'and still good for that one')
})

t.test('a key is forgotten by log time, counted from its first command', async (t) => {
  const tables = new Tables()
  tables.key('a', 1)
  tables.pass(1000)
  t.strictSame(tables.key('a', 2), { again: 1 })
  tables.pass(1)
  t.equal(tables.key('a', 3), 'applied')
  t.strictSame(tables.key('a', 4), { again: 3 })
})

t.test(
  'a key is never forgotten early: when there are too many, new ones are refused',
  async (t) => {
    const tables = new Tables()
    tables.key('a', 1, { timeoutMs: 5000 })
    tables.key('b', 2)
    tables.key('c', 3)
    t.equal(tables.key('d', 4), 'RAFT_OVERLOADED')
    t.strictSame(tables.key('a', 0), { again: 1 })
    tables.pass(1001)
    t.equal(tables.key('d', 4), 'applied', 'those behind one that lives on are looked for')
    t.strictSame(tables.key('a', 0), { again: 1 })
    t.equal(tables.repetitions.keys.size, 2)
  },
)

t.test('past the bytes for results the oldest answer is lost, the key is not', async (t) => {
  const tables = new Tables()
  tables.key('a', 'x'.repeat(60))
  tables.key('b', 'y'.repeat(60))
  t.equal(tables.key('a', 0), 'RAFT_RESULT_LOST')
  t.strictSame(tables.key('b', 0), { again: 'y'.repeat(60) })
})
