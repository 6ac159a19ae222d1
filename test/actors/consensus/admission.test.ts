import t from 'tap'
import { Admission } from '../../../actors/consensus/admission.js'
import type { KnownIncarnations } from '../../../actors/log/protocol.js'
import type { IndexedConfiguration } from '../../../lib/core/types.js'

/** Everything that it saves is durable at once. */
class Bench {
  saved: KnownIncarnations = {}
  readonly admission: Admission

  constructor(known: KnownIncarnations = {}) {
    this.admission = new Admission(known, (seq, all) => {
      this.saved = all
      this.admission.saved(seq)
    })
  }

  comes(peer: string, incarnation: string, addedAt: number | null = null): string {
    let verdict = 'undecided'
    this.admission.decide(peer, { incarnation, addedAt }, (refusal) => {
      verdict = refusal?.code ?? 'welcome'
    })
    return verdict
  }

  /** `n2@5`: added by the entry at 5. */
  members(index: number, names: string, committed = true): void {
    const servers = names.split(' ').map((name) => {
      const [id = '', addedAt = '1'] = name.split('@')
      return { id, address: id, suffrage: 'voter', addedAt: Number(addedAt) } as const
    })
    const configuration: IndexedConfiguration = { index, configuration: { servers } }
    this.admission.members(configuration, committed)
  }
}

t.test(
  'the first incarnation of a member is remembered, another one is refused (S16)',
  async (t) => {
    const bench = new Bench()
    bench.members(1, 'n1 n2')
    t.equal(bench.comes('n2', 'first'), 'welcome')
    t.same(bench.saved, { n2: { incarnation: 'first', addedAt: 1 } })
    t.equal(bench.comes('n2', 'first'), 'welcome')
    t.equal(bench.comes('n2', 'second'), 'RAFT_LOST_STATE')
  },
)

t.test('it may come anew once its removal is committed, not before', async (t) => {
  const bench = new Bench({ n2: { incarnation: 'first', addedAt: 1 } })
  bench.members(5, 'n1', false)
  t.equal(bench.comes('n2', 'second'), 'RAFT_LOST_STATE')
  bench.members(5, 'n1')
  t.equal(bench.comes('n2', 'second'), 'welcome')
})

t.test('a member added again in one stride is another one', async (t) => {
  const bench = new Bench({ n2: { incarnation: 'first', addedAt: 1 } })
  bench.members(9, 'n1 n2@9')
  t.equal(bench.comes('n2', 'second'), 'welcome')
  t.same(bench.saved, { n2: { incarnation: 'second', addedAt: 9 } })
})

t.test('who was added by an entry that is not here yet is taken at its word', async (t) => {
  const bench = new Bench({ n2: { incarnation: 'first', addedAt: 1 } })
  bench.members(1, 'n1 n2')
  t.equal(bench.comes('n2', 'second', 1), 'RAFT_LOST_STATE')
  t.equal(bench.comes('n2', 'second', 9), 'welcome')
  bench.members(5, 'n1')
  t.equal(
    bench.comes('n2', 'first', 1),
    'RAFT_LOST_STATE',
    'the removal is older than what is known',
  )
  bench.members(9, 'n1 n2@9')
  t.equal(bench.comes('n2', 'second', 9), 'welcome')
})

t.test(
  'what a life says that is over does not keep out the one that was added since',
  async (t) => {
    const bench = new Bench()
    bench.members(5, 'n1')
    bench.members(9, 'n1 n2@9', false)
    t.equal(bench.comes('n2', 'wiped', 1), 'welcome', 'it came late')
    t.equal(bench.comes('n2', 'new'), 'welcome')
    t.same(bench.saved, { n2: { incarnation: 'new', addedAt: 9 } })
    t.equal(bench.comes('n2', 'wiped', 1), 'RAFT_LOST_STATE')
  },
)

t.test('one that kept its state is known as who was added again, once it is met', async (t) => {
  const bench = new Bench()
  bench.members(9, 'n1 n2@9')
  t.equal(bench.comes('n2', 'first', 1), 'welcome')
  t.equal(bench.comes('n2', 'first'), 'welcome')
  t.equal(bench.comes('n2', 'second', 9), 'RAFT_LOST_STATE')
})

t.test('a stranger is heard, and not remembered: it may be wiped before it is added', async (t) => {
  const bench = new Bench()
  bench.members(1, 'n1')
  t.equal(bench.comes('n2', 'first'), 'welcome')
  bench.members(4, 'n1 n2@4')
  t.same(bench.saved, {})
  t.equal(bench.comes('n2', 'second', 4), 'welcome')
  t.equal(bench.comes('n2', 'first', 4), 'RAFT_LOST_STATE')
})

t.test('only a member since the entry that it names can be vouched for (S16)', async (t) => {
  const bench = new Bench()
  const { admission } = bench
  t.notOk(admission.isMember('n2', 1), 'nobody is known')
  bench.members(1, 'n1 n2')
  t.ok(admission.isMember('n2', 1))
  bench.members(9, 'n1 n2@9')
  t.notOk(admission.isMember('n2', 1), 'it has another history here')
  t.notOk(admission.isMember('n3', 0))
})
