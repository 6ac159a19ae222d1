import t from 'tap'
import { LogView } from '../../lib/core/log-view.js'
import type { BatchSpan, Term } from '../../lib/core/types.js'
import { SeededRandom } from '../helpers/seeded-random.js'
import { logOf } from './helpers/cores.js'
import { batch } from './helpers/inputs.js'

const emptyLog = () => new LogView(logOf([], []))

/** A log as plain arrays: the term of each entry, and where batches begin. */
class ModelLog {
  terms: Term[] = [0]
  base = 0
  commit = 0
  batches: BatchSpan[] = []

  get last(): number {
    return this.terms.length - 1
  }

  get lastTerm(): Term {
    return this.terms[this.last] ?? 0
  }

  termAt(index: number): Term | null {
    return index < this.base ? null : (this.terms[index] ?? null)
  }

  firstOfTerm(index: number): number {
    let first = index
    while (first - 1 > this.base && this.terms[first - 1] === this.terms[index]) first--
    return first
  }

  append(span: BatchSpan): void {
    while (this.last < span.lastIndex) this.terms.push(span.term)
    this.batches.push(span)
  }

  truncate(fromIndex: number): void {
    this.terms.length = fromIndex
    this.batches = this.batches.filter((span) => span.firstIndex < fromIndex)
  }

  reset(index: number, term: Term): void {
    this.terms = new Array<Term>(index + 1).fill(term)
    this.batches = []
    this.base = index
    this.commit = index
  }
}

type Operation = (log: LogView, model: ModelLog, random: SeededRandom) => void

const OPERATIONS: readonly Operation[] = [
  appendOne,
  appendOne,
  appendOne,
  truncate,
  commit,
  compact,
  reset,
]

function appendOne(log: LogView, model: ModelLog, random: SeededRandom): void {
  const first = model.last + 1
  const span = batch(first, first + random.below(4), Math.max(1, model.lastTerm) + random.below(2))
  log.append(span)
  model.append(span)
}

function truncate(log: LogView, model: ModelLog, random: SeededRandom): void {
  const candidates = model.batches.filter((span) => span.firstIndex > model.commit)
  const span = candidates[random.below(candidates.length)]
  if (span === undefined) return
  log.truncate(span.firstIndex, model.commit)
  model.truncate(span.firstIndex)
}

function commit(log: LogView, model: ModelLog, random: SeededRandom): void {
  model.commit += random.below(model.last - model.commit + 1)
  log.committed(model.commit, model.last)
}

function compact(log: LogView, model: ModelLog, random: SeededRandom): void {
  model.base += random.below(model.commit - model.base + 1)
  log.compact(model.base)
}

function reset(log: LogView, model: ModelLog, random: SeededRandom): void {
  if (random.next() < 0.8) return
  const index = model.commit + 1 + random.below(6)
  const term = Math.max(1, model.lastTerm)
  log.reset(index, term)
  model.reset(index, term)
}

function disagreement(log: LogView, model: ModelLog): string | null {
  if (log.lastIndex !== model.last) return `lastIndex ${log.lastIndex}, not ${model.last}`
  if (log.lastTerm !== model.lastTerm) return `lastTerm ${log.lastTerm}, not ${model.lastTerm}`
  if (log.baseIndex !== model.base) return `baseIndex ${log.baseIndex}, not ${model.base}`
  for (let index = Math.max(0, model.base - 2); index <= model.last + 2; index++) {
    const [found, expected] = [log.termAt(index), model.termAt(index)]
    if (found !== expected) return `term ${found} at ${index}, not ${expected}`
    if (expected === null || index <= model.base) continue
    const first = log.firstOfTerm(index)
    if (first !== model.firstOfTerm(index)) return `first of the term at ${index} is ${first}`
  }
  const spans = model.batches.filter((span) => span.lastIndex > model.commit)
  const held = log.spansAbove(model.commit)
  return JSON.stringify(held) === JSON.stringify(spans) ? null : `spans ${JSON.stringify(held)}`
}

t.test('agrees with a plain array through random operations', async (t) => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new SeededRandom(seed)
    const log = emptyLog()
    const model = new ModelLog()
    for (let step = 0; step < 60; step++) {
      const operation = OPERATIONS[random.below(OPERATIONS.length)] ?? appendOne
      operation(log, model, random)
      const wrong = disagreement(log, model)
      if (wrong !== null) return t.fail(`seed ${seed} step ${step} ${operation.name}: ${wrong}`)
    }
  }
})

t.test('a log found at start is like one appended (recovery)', async (t) => {
  const log = new LogView(logOf([3, 3, 5], [], { index: 4, term: 2 }))
  t.same(
    [3, 4, 5, 6, 7, 8].map((index) => log.termAt(index)),
    [null, 2, 3, 3, 5, null],
  )
  t.equal(log.firstOfTerm(6), 5)
  log.append(batch(8, 9, 5))
  t.equal(log.firstOfTerm(9), 7)
})

t.test('up to date is judged by last term, then by length (Raft §5.4.1)', async (t) => {
  const log = new LogView(logOf([1, 2, 2], []))
  t.same(
    [log.isUpToDate(3, 2), log.isUpToDate(2, 2), log.isUpToDate(1, 3), log.isUpToDate(9, 1)],
    [true, false, true, false],
  )
})

t.test('what would break the log stops the node', async (t) => {
  const log = emptyLog()
  log.append(batch(1, 3, 2))
  log.append(batch(4, 6, 2))
  const broken = { code: 'RAFT_INVARIANT' }
  t.throws(() => log.append(batch(8, 8, 2)), broken, 'a gap')
  t.throws(() => log.append(batch(6, 8, 2)), broken, 'an overlap')
  t.throws(() => log.append(batch(7, 6, 2)), broken, 'an empty batch')
  t.throws(() => log.append(batch(7, 7, 1)), broken, 'a term that decreases (Raft §5.3)')
  t.throws(() => log.truncate(3, 3), broken, 'a committed entry (Raft §5.4)')
  t.throws(() => log.compact(9), broken, 'compaction past the end')
})

t.test('a truncation falls on a batch boundary, or stops the node (S6)', async (t) => {
  const log = emptyLog()
  log.append(batch(1, 3, 2))
  t.throws(() => log.truncate(2, 0), { code: 'RAFT_INVARIANT' })
})

t.test('a batch may begin below a snapshot that the log begins with (S6)', async (t) => {
  const log = emptyLog()
  log.reset(6, 2)
  log.append(batch(5, 8, 2))
  t.same([log.baseIndex, log.lastIndex, log.termAt(7), log.firstOfTerm(8)], [6, 8, 2, 7])
})

t.test('batches committed and not yet durable are kept for being issued again (S15)', async (t) => {
  const log = emptyLog()
  for (const first of [1, 2, 3]) log.append(batch(first, first, 1))
  log.committed(3, 1)
  t.same(log.spansAbove(0), [batch(2, 2, 1), batch(3, 3, 1)])
  log.committed(3, 3)
  t.same(log.spansAbove(0), [])
})
