import t from 'tap'
import { checkHistory, type Reading, type Write } from '../../lib/sim/history.js'
import { compareAndSet, put } from '../../lib/sim/registers.js'
import { SafetyViolation } from '../../lib/sim/violation.js'

const never = Number.POSITIVE_INFINITY

function write(command: string, from: number, to: number, position: number, done = true): Write {
  return { command, from, to, result: { position, done } }
}

function lost(command: string, from: number): Write {
  return { command, from, to: never, result: null }
}

function read(key: string, from: number, to: number, count: number, value: string): Reading {
  return { what: 'read', key, from, to, count, value }
}

const [a, b] = [put('a', 'x'), put('b', 'x')]
const c = compareAndSet('c', 'x', 'b')
const d = compareAndSet('d', 'x', 'a')

const good: Record<string, readonly [readonly string[], readonly Write[], readonly Reading[]]> = {
  'one after the other': [
    [a, b],
    [write(a, 0, 1, 1), write(b, 2, 3, 2)],
    [read('x', 4, 5, 2, 'b')],
  ],
  'at the same time, in either order': [[b, a], [write(a, 0, 5, 2), write(b, 1, 4, 1)], []],
  'a read beside a write sees it or not': [
    [a],
    [write(a, 0, 9, 1)],
    [read('x', 1, 2, 0, ''), read('x', 3, 4, 1, 'a')],
  ],
  'an unknown write that took place late': [
    [b, a],
    [lost(a, 0), write(b, 5, 6, 1)],
    [read('x', 7, 8, 1, 'b')],
  ],
  'an unknown write that never took place': [[b], [lost(a, 0), write(b, 1, 2, 1)], []],
  'conditions that hold and fail': [
    [a, b, c, d],
    [write(a, 0, 1, 1), write(b, 2, 3, 2), write(c, 4, 5, 3), write(d, 6, 7, 4, false)],
    [read('x', 8, 9, 4, 'c')],
  ],
}

const bad: typeof good = {
  'an acknowledged write is missing': [[b], [write(a, 0, 1, 1), write(b, 2, 3, 1)], []],
  'a write before one that had ended': [[b, a], [write(a, 0, 1, 2), write(b, 2, 3, 1)], []],
  'a stale read': [[a, b], [write(a, 0, 1, 1), write(b, 2, 3, 2)], [read('x', 4, 5, 1, 'a')]],
  'reads that go back': [
    [a],
    [write(a, 0, 9, 1)],
    [read('x', 1, 2, 1, 'a'), read('x', 3, 4, 0, '')],
  ],
  'a read of what nobody had asked for yet': [[a], [write(a, 5, 6, 1)], [read('x', 1, 2, 1, 'a')]],
  'a read of another value': [
    [a, b],
    [write(a, 0, 1, 1), write(b, 2, 3, 2)],
    [read('x', 4, 5, 2, 'a')],
  ],
  'an answer that belongs to another write': [[a, b], [write(a, 0, 9, 2), write(b, 0, 9, 1)], []],
  'a condition that failed and was said to hold': [
    [a, b, d],
    [write(a, 0, 1, 1), write(b, 2, 3, 2), write(d, 4, 5, 3)],
    [],
  ],
  'an unknown write that shows in a read and is gone in the next': [
    [a],
    [lost(a, 0)],
    [read('x', 1, 2, 1, 'a'), read('x', 3, 4, 0, '')],
  ],
}

for (const [name, history] of Object.entries(good)) {
  t.test(`a history is linearizable: ${name}`, async (t) => {
    t.doesNotThrow(() => checkHistory(...history))
  })
}

for (const [name, history] of Object.entries(bad)) {
  t.test(`a history is not linearizable: ${name}`, async (t) => {
    t.throws(() => checkHistory(...history), SafetyViolation)
  })
}

t.test('a long history is checked in no time', async (t) => {
  const final = Array.from({ length: 100_000 }, (_, i) => put(`w${i}`, `k${i % 7}`))
  const writes = final.map((command, i) => write(command, i * 2, i * 2 + 50, i + 1))
  t.doesNotThrow(() => checkHistory(final, writes, []))
})
