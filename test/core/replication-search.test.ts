import t from 'tap'
import type { Position } from '../../lib/core/replication-messages.js'
import { MatchSearch } from '../../lib/core/replication-search.js'
import { SeededRandom } from '../helpers/seeded-random.js'
import { batch } from './support/replication-bench.js'

/** Terms of a log by index; entry 0 is before all. */
type Terms = readonly number[]

function terms(random: SeededRandom, length: number, from: number, step: number): number[] {
  const list: number[] = []
  for (let term = from; list.length < length; list.push(term)) {
    if (random.below(6) === 0) term += step
  }
  return list
}

/** Two logs as Raft leaves them: equal up to some entry, of different terms above it. */
function logs(random: SeededRandom): { leader: Terms; follower: Terms; common: number } {
  const shared = terms(random, random.below(30), 2, 2)
  const last = shared.at(-1) ?? 0
  const leader = [0, ...shared, ...terms(random, 1 + random.below(30), last + 2, 2)]
  const follower = [0, ...shared, ...terms(random, random.below(40), last + 1, 2)]
  return { leader, follower, common: shared.length }
}

function conflictAt(follower: Terms, index: number) {
  const term = follower[index] ?? 0
  const first = term === 0 ? follower.length : follower.indexOf(term)
  return { term, index: first, lastIndex: follower.length - 1 }
}

/** A batch of random size around `index`, within one term. */
function around(leader: Terms, random: SeededRandom, index: number) {
  const term = leader[index] ?? 0
  let first = index
  let last = index
  while (random.below(3) > 0 && first > 1 && leader[first - 1] === term) first--
  while (random.below(3) > 0 && leader[last + 1] === term) last++
  return batch(first, last - first + 1, term, leader[first - 1] ?? 0)
}

/** The highest entry below the rejected one that this conflict leaves possible. */
function bestByHand(leader: Terms, rejected: number, conflict: ReturnType<typeof conflictAt>) {
  let best = Math.min(rejected - 1, conflict.lastIndex)
  const fits = (index: number) => {
    const term = leader[index] ?? 0
    if (index === 0 || conflict.term === 0) return true
    return index >= conflict.index ? term === conflict.term : term <= conflict.term
  }
  while (!fits(best)) best--
  return best
}

t.test('for any two logs the search ends where a full scan ends, in few look-ups', async (t) => {
  const random = new SeededRandom(11)
  let most = 0
  for (let round = 0; round < 3000; round++) {
    const { leader, follower, common } = logs(random)
    let rejected: Position = { index: leader.length - 1, term: leader.at(-1) ?? 0 }
    while (rejected.index > common || follower[rejected.index] !== rejected.term) {
      const conflict = conflictAt(follower, rejected.index)
      const search = new MatchSearch({ index: 0, term: 0 }, rejected, conflict)
      let lookups = 0
      for (let wanted = search.wanted; wanted !== null; wanted = search.wanted) {
        search.learn(wanted, around(leader, random, wanted + 1))
        lookups++
      }
      const { result } = search
      const expected = bestByHand(leader, rejected.index, conflict)
      if (result?.index !== expected || result.term !== leader[expected]) {
        t.same(result, { index: expected, term: leader[expected] }, `round ${round}`)
        return
      }
      rejected = result
      most = Math.max(most, lookups)
    }
    if (rejected.index !== common) t.equal(rejected.index, common, `round ${round}`)
  }
  t.ok(most <= 12, `${most} look-ups for one rejection in logs of up to 60 entries`)
})

t.test(
  'what is known to match is never looked up, and is the least of what it ends with',
  async (t) => {
    const base = { index: 20, term: 3 }
    const conflict = { term: 5, index: 4, lastIndex: 60 }
    const search = new MatchSearch(base, { index: 22, term: 6 }, conflict)
    t.equal(search.wanted, 21)
    search.learn(21, batch(21, 3, 6, 3))
    t.equal(search.wanted, null)
    t.same(search.result, base)
  },
)

t.test('a follower of a later term than the leader’s there is asked before that run', async (t) => {
  const conflict = { term: 5, index: 4, lastIndex: 60 }
  const search = new MatchSearch({ index: 0, term: 0 }, { index: 50, term: 4 }, conflict)
  t.equal(search.wanted, 3)
})

t.test('compaction in the middle of a search takes away what was found below it', async (t) => {
  const conflict = { term: 4, index: 40, lastIndex: 60 }
  const search = new MatchSearch({ index: 0, term: 0 }, { index: 50, term: 6 }, conflict)
  for (const wanted of [49, 47, 43]) {
    t.equal(search.wanted, wanted)
    search.learn(wanted, batch(wanted + 1, 1, 6))
  }
  t.equal(search.wanted, 35)
  search.learn(35, batch(36, 1, 4))
  for (let wanted = search.wanted; wanted !== null; wanted = search.wanted) {
    search.compacted(wanted)
  }
  t.equal(search.result, null)
})
