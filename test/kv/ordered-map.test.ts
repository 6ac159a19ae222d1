import t from 'tap'
import { OrderedMap } from '../../lib/kv/ordered-map.js'
import { SeededRandom } from '../helpers/seeded-random.js'

/** The obvious implementation: a plain map, sorted when it is read. */
class SortedModel {
  readonly entries = new Map<string, number>()

  from(key: string, inclusive: boolean): (readonly [string, number])[] {
    return [...this.entries]
      .filter(([k]) => (inclusive ? k >= key : k > key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

/** Random sets and deletes of keys from a space of `space`, with a phase of mostly deletes. */
function churn(random: SeededRandom, map: OrderedMap<number>, model: SortedModel, space: number) {
  for (let i = 0; i < 4000; i++) {
    const key = `k${random.below(space)}`
    const deleting = random.next() < (i % 2000 < 1200 ? 0.2 : 0.9)
    if (deleting && map.delete(key) !== model.entries.delete(key)) return false
    if (!deleting) {
      map.set(key, i)
      model.entries.set(key, i)
    }
  }
  return true
}

t.test('any sequence of sets and deletes leaves what a sorted array would hold', async (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new SeededRandom(seed)
    const map = new OrderedMap<number>()
    const model = new SortedModel()
    t.ok(churn(random, map, model, [50, 700, 5000][seed % 3] ?? 50), `seed ${seed}`)
    t.strictSame([...map.from('', true)], model.from('', true), `seed ${seed}, all`)
    t.equal(map.size, model.entries.size)
    for (let i = 0; i < 50; i++) {
      const key = `k${random.below(6000)}`
      t.equal(map.get(key), model.entries.get(key))
      t.strictSame([...map.from(key, true)], model.from(key, true), `seed ${seed}, from ${key}`)
      t.strictSame([...map.from(key, false)], model.from(key, false), `seed ${seed}, after ${key}`)
    }
  }
})

t.test('captures keep what they saw while the map goes on changing', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new SeededRandom(seed)
    const map = new OrderedMap<number>()
    const model = new SortedModel()
    const captures = []
    for (let round = 0; round < 4; round++) {
      churn(random, map, model, 900)
      captures.push({ capture: map.capture(), expected: model.from('', true) })
    }
    churn(random, map, model, 900)
    for (const { capture, expected } of captures) {
      t.strictSame([...capture.from('', true)], expected, `seed ${seed}`)
      t.equal(capture.size, expected.length)
    }
  }
})

t.test('an iteration of a capture is not disturbed by changes made during it', async (t) => {
  const map = new OrderedMap<number>()
  for (let i = 0; i < 1000; i++) map.set(`k${i}`, i)
  const capture = map.capture()
  const expected = [...map.from('', true)]
  const seen = []
  for (const entry of capture.from('', true)) {
    seen.push(entry)
    map.delete(entry[0])
  }
  t.strictSame(seen, expected)
  t.equal(map.size, 0)
  t.strictSame([...map.from('', true)], [])
})

t.test('keys in ascending and in descending order are all kept', async (t) => {
  const names = Array.from({ length: 20_000 }, (_, i) => String(i).padStart(6, '0'))
  for (const order of [names, names.toReversed()]) {
    const map = new OrderedMap<number>()
    for (const name of order) map.set(name, Number(name))
    t.strictSame(
      Array.from(map.from('', true), ([key]) => key),
      names,
    )
    t.ok(order.every((name) => map.delete(name)))
    t.equal(map.size, 0)
  }
})

t.test('a set of a present key replaces its value and does not grow the map', async (t) => {
  const map = new OrderedMap<number>()
  map.set('a', 1)
  map.set('a', 2)
  t.equal(map.size, 1)
  t.equal(map.get('a'), 2)
  t.equal(map.delete('b'), false)
})
