import t from 'tap'
import { after, now } from '../../lib/runtime/clock.js'
import { EventHeap } from '../../lib/runtime/event-heap.js'
import { Fifo } from '../../lib/runtime/fifo.js'
import { Prng } from '../../lib/runtime/prng.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { setSchedulingPoint } from '../../lib/runtime/scheduling-point.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { inheritedArguments } from '../../lib/runtime/worker-arguments.js'

t.test('a fifo keeps its order while it grows and wraps', async (t) => {
  const fifo = new Fifo<number>()
  const taken: (number | undefined)[] = []
  let next = 0
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < round; i++) fifo.push(next++)
    for (let i = 0; i < round / 2; i++) taken.push(fifo.shift())
  }
  while (fifo.length > 0) taken.push(fifo.shift())
  t.strictSame(
    taken,
    Array.from({ length: next }, (_, i) => i),
  )
  t.equal(fifo.shift(), undefined)
})

t.test('a heap gives events by time, those of one moment in order', async (t) => {
  const prng = new Prng(1)
  const heap = new EventHeap<{ time: number; sequence: number }>()
  for (let sequence = 0; sequence < 500; sequence++) {
    heap.push({ time: prng.integer(0, 50), sequence })
  }
  let last = { time: -1, sequence: -1 }
  for (let event = heap.pop(); event !== undefined; event = heap.pop()) {
    const later = event.time > last.time
    if (!later && !(event.time === last.time && event.sequence > last.sequence)) t.fail('order')
    last = event
  }
  t.equal(heap.length, 0)
})

t.test('equal seeds give equal numbers, near seeds different ones', async (t) => {
  const draw = (seed: number): number[] => {
    const prng = new Prng(seed)
    return Array.from({ length: 100 }, () => prng.next())
  }
  t.strictSame(draw(1), draw(1))
  t.not(draw(1).join(), draw(2).join())
  t.not(draw(1).join(), draw(1 + 2 ** 32).join(), 'the upper bits count')
  t.not(draw(0).join(), draw(1).join())
})

t.test('numbers are spread evenly', async (t) => {
  const prng = new Prng(3)
  const buckets = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) {
    const bucket = Math.floor(prng.random() * 10)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }
  for (const count of buckets) t.ok(Math.abs(count - 10_000) < 500)
  const whole = new Set(Array.from({ length: 1000 }, () => prng.integer(3, 5)))
  t.strictSame([...whole].sort(), [3, 4, 5])
})

t.test('shared words hold whole numbers past 32 bits and drop fractions', async (t) => {
  const words = new SharedWords(SharedWords.allocate(2))
  words.store(0, 2 ** 53 - 1)
  t.equal(words.load(0), 2 ** 53 - 1)
  words.store(0, 1234.9)
  t.equal(words.load(0), 1234)
  t.equal(words.add(1, 5), 0)
  t.equal(words.add(1, -7), 5)
  t.equal(words.load(1), -2)
})

t.test('each access of a shared word passes the scheduling point', async (t) => {
  let passed = 0
  const words = new SharedWords(SharedWords.allocate(1))
  const before = setSchedulingPoint(() => passed++)
  t.teardown(() => setSchedulingPoint(before))
  words.store(0, 1)
  words.load(0)
  words.add(0, 1)
  t.equal(passed, 3)
})

t.test('a timer never fires before its time', async (t) => {
  for (const delayMs of [0, 0.3, 1, 2.7, 5]) {
    const before = now()
    await new Promise<void>((resolve) => after(delayMs, resolve))
    t.ok(now() - before >= delayMs)
  }
})

t.test('a worker of a program given as text inherits what is about loading only', async (t) => {
  t.equal(inheritedArguments(['--max-old-space-size=64', '--import', 'x']), undefined)
  const argv = [
    '--max-old-space-size=64',
    '--import',
    'x',
    '--input-type=module',
    '-r=y',
    '-e',
    'z',
  ]
  t.strictSame(inheritedArguments(argv), ['--import', 'x', '-r=y'])
})

t.test('a promise is known by its then', async (t) => {
  t.ok(isPromise(Promise.resolve()))
  for (const value of [undefined, null, 1, 'then', {}]) t.notOk(isPromise(value))
})
