import t from 'tap'
import type { Term } from '../../lib/core/types.js'
import { type CoreOptions, candidateOf, followerOf, type TestCore } from './helpers/cores.js'
import { ofKind } from './helpers/effects.js'
import { append, entries } from './helpers/inputs.js'

/** What one AppendEntries does to a log, case by case (Raft §5.3, §7). */

interface Case {
  readonly name: string
  readonly node: CoreOptions
  /** Index and term of the entry before. */
  readonly prev: readonly [number, Term]
  readonly terms: readonly Term[]
  /** Terms of the log afterwards, from `node.base` or index 1; null: refused. */
  readonly log: readonly Term[] | null
  /** Entries that are written, and where the log is cut. */
  readonly written: number
  readonly cutAt?: number
}

const log: readonly Term[] = [1, 1, 2, 2]
const snapshot = { index: 3, term: 2 }

const cases: readonly Case[] = [
  {
    name: 'a check that is in the log and agrees',
    node: { log },
    prev: [4, 2],
    terms: [],
    log,
    written: 0,
  },
  {
    name: 'a check that is in the log and does not',
    node: { log },
    prev: [4, 1],
    terms: [3],
    log: null,
    written: 0,
  },
  {
    name: 'a check beyond the end',
    node: { log },
    prev: [6, 2],
    terms: [3],
    log: null,
    written: 0,
  },
  {
    name: 'a check at the snapshot that agrees',
    node: { snapshot, log: [2] },
    prev: [3, 2],
    terms: [2, 3],
    log: [2, 3],
    written: 1,
  },
  {
    name: 'a check below the snapshot',
    node: { snapshot, log: [2] },
    prev: [2, 1],
    terms: [2, 2, 3],
    log: [2, 3],
    written: 1,
  },
  {
    name: 'only new entries',
    node: { log },
    prev: [4, 2],
    terms: [3, 3],
    log: [1, 1, 2, 2, 3, 3],
    written: 2,
  },
  {
    name: 'only entries that are there',
    node: { log },
    prev: [1, 1],
    terms: [1, 2, 2],
    log,
    written: 0,
  },
  {
    name: 'entries that are there, then new ones',
    node: { log },
    prev: [2, 1],
    terms: [2, 2, 3],
    log: [1, 1, 2, 2, 3],
    written: 1,
  },
  {
    name: 'only entries that conflict',
    node: { log },
    prev: [2, 1],
    terms: [3, 3],
    log: [1, 1, 3, 3],
    written: 2,
    cutAt: 3,
  },
  {
    name: 'entries that are there, then a conflict',
    node: { log },
    prev: [1, 1],
    terms: [1, 2, 3],
    log: [1, 1, 2, 3],
    written: 1,
    cutAt: 4,
  },
]

function terms(node: TestCore, from: number): readonly (Term | null)[] {
  const length = node.status.lastLogIndex - from + 1
  return Array.from({ length }, (_, i) => node.core.termAt(from + i))
}

for (const { name, node: options, prev, terms: sent, log: expected, written, cutAt } of cases) {
  t.test(name, async (t) => {
    const node = followerOf('n2', 3, options)
    const before = terms(node, (options.snapshot?.index ?? 0) + 1)
    const batches = entries(prev[0] + 1, ...sent)
    const effects = node.step(append(3, { prev, batches }))
    const all = [...effects, ...node.flushed()]
    const [answer] = ofKind(all, 'replyAppend')
    t.equal(answer?.reply.success, expected !== null)
    t.same(terms(node, (options.snapshot?.index ?? 0) + 1), expected ?? before)
    const appended = ofKind(effects, 'append').flatMap((effect) => effect.batches)
    t.equal(appended.length, written)
    t.same(
      ofKind(effects, 'truncate').map(({ fromIndex }) => fromIndex),
      cutAt === undefined ? [] : [cutAt],
    )
  })
}

t.test('a larger term is adopted, and its entries are taken', async (t) => {
  const node = followerOf('n3', 3, { log })
  node.step(append(7, { prev: [4, 2], batches: entries(5, 7), commit: 5 }))
  t.match(node.status, { role: 'follower', leader: 'n2', term: 7, lastLogIndex: 5, commitIndex: 5 })
})

t.test('a candidate follows whoever leads its own term, and takes its entries', async (t) => {
  const node = candidateOf(3)
  node.step(append(2, { batches: entries(2, 2) }))
  t.match(node.status, { role: 'follower', leader: 'n2', term: 2, lastLogIndex: 2 })
})
