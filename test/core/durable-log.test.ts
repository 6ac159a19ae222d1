import t from 'tap'
import { DurableLog } from '../../lib/core/durable-log.js'
import { SeededRandom } from '../helpers/seeded-random.js'

t.test('what is appended is durable once a flush names it', async (t) => {
  const log = new DurableLog(3)
  const first = log.appended(5)
  const second = log.appended(9)
  t.equal(log.index, 3)
  log.flushed(first)
  t.equal(log.index, 5)
  log.flushed(second)
  t.equal(log.index, 9)
})

t.test('one flush covers everything before it (group commit)', async (t) => {
  const log = new DurableLog(0)
  log.appended(5)
  log.flushed(log.appended(9))
  t.equal(log.index, 9)
})

t.test('a late flush acknowledgement covers no rewritten entry: the ABA race (S5)', async (t) => {
  const log = new DurableLog(2)
  const old = log.appended(6)
  const cut = log.truncated(4)
  const rewritten = log.appended(6)
  log.flushed(old)
  t.equal(log.index, 3, 'entries 4 to 6 of that write are not those of the log any more')
  log.flushed(cut)
  t.equal(log.index, 3)
  log.flushed(rewritten)
  t.equal(log.index, 6)
})

t.test('a truncation counts from when it is issued, not from when it is flushed', async (t) => {
  const log = new DurableLog(9)
  log.truncated(5)
  t.equal(log.index, 4)
})

t.test('after a reset only the snapshot index counts until it is flushed', async (t) => {
  const log = new DurableLog(9)
  const reset = log.reset(5)
  const after = log.appended(7)
  t.equal(log.index, 5)
  log.flushed(reset)
  t.equal(log.index, 5)
  log.flushed(after)
  t.equal(log.index, 7)
  const ahead = log.reset(20)
  t.equal(log.index, 7, 'what the snapshot adds is durable with the reset')
  log.flushed(ahead)
  t.equal(log.index, 20)
})

t.test('compaction changes nothing, and acknowledgements may come twice or late', async (t) => {
  const log = new DurableLog(9)
  const compacted = log.compacted()
  const appended = log.appended(12)
  log.flushed(appended)
  log.flushed(compacted)
  log.flushed(appended)
  t.equal(log.index, 12)
})

t.test('an acknowledgement of something never issued stops the node', async (t) => {
  t.throws(() => new DurableLog(0).flushed(1), { code: 'RAFT_INVARIANT' })
})

/** What a disk really holds after each prefix of the operations, against what the core believes. */
t.test('never claims more than the disk and the log agree on', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new SeededRandom(seed)
    const log = new DurableLog(0)
    // Each entry is the number of the operation that wrote it, so a rewritten one differs.
    let memory: number[] = []
    const onDisk: number[][] = [[]]
    let flushed = 0
    for (let step = 0; step < 40; step++) {
      const issued = onDisk.length
      if (memory.length > 0 && random.next() < 0.3) {
        const from = 1 + random.below(memory.length)
        memory = memory.slice(0, from - 1)
        log.truncated(from)
        onDisk.push(memory)
      } else if (random.next() < 0.6) {
        memory = [...memory, ...new Array<number>(1 + random.below(3)).fill(issued)]
        log.appended(memory.length)
        onDisk.push(memory)
      } else {
        flushed += random.below(onDisk.length - flushed)
        log.flushed(flushed)
      }
      const disk = onDisk[flushed] ?? []
      const wrong = memory.slice(0, log.index).findIndex((entry, i) => disk[i] !== entry)
      if (wrong !== -1)
        return t.fail(`seed ${seed} step ${step}: entry ${wrong + 1} is not on disk`)
    }
    log.flushed(onDisk.length - 1)
    if (log.index !== memory.length) return t.fail(`seed ${seed}: all is flushed`)
  }
})
