import t from 'tap'
import { StageClock } from '../../lib/node/stage-clock.js'

/** A clock that a test sets, and what it has measured in order of the stages. */
function clockAt() {
  const time = { now: 100 }
  const clock = new StageClock('n1', () => time.now)
  const maxima = () => {
    const { proposed, flushed, replicated, committed, applied } = clock.counts().stages
    return [proposed, flushed, replicated, committed, applied].map(({ max }) => max)
  }
  const counts = () => Object.values(clock.counts().stages).map(({ count }) => count)
  return { time, clock, maxima, counts }
}

t.test('each stage is timed from the first command of the batch', async (t) => {
  const { time, clock, maxima } = clockAt()
  clock.told(1, 98, 10, 2560)
  time.now = 101
  clock.accepted(1, 5)
  time.now = 104
  clock.flushed(1)
  time.now = 106
  clock.moved(13, 4)
  clock.moved(14, 4)
  time.now = 107
  clock.moved(14, 14)
  time.now = 109
  clock.applied(1)
  t.strictSame(maxima(), [3, 6, 8, 9, 11])
  t.equal(clock.counts().entries.max, 10)
  t.equal(clock.counts().bytes.sum, 2560)
})

t.test('others may commit it before this node has flushed it', async (t) => {
  const { time, clock, maxima } = clockAt()
  clock.told(1, 100, 1, 10)
  clock.accepted(1, 1)
  time.now = 102
  clock.moved(1, 1)
  clock.applied(1)
  time.now = 150
  clock.flushed(1)
  clock.flushed(1)
  t.strictSame(maxima(), [0, 50, 2, 2, 2])
})

t.test('a result that comes before the status counts as the commit', async (t) => {
  const { time, clock, counts } = clockAt()
  clock.told(1, 100, 2, 10)
  clock.accepted(1, 1)
  time.now = 103
  clock.applied(1)
  clock.flushed(1)
  clock.moved(2, 2)
  t.strictSame(counts(), [1, 1, 1, 1, 1])
})

t.test(
  'what is refused or lost with leadership is counted, and not timed any further',
  async (t) => {
    const { clock, counts } = clockAt()
    clock.told(1, 100, 3, 10)
    clock.failed(1)
    clock.told(2, 100, 4, 10)
    clock.accepted(2, 1)
    clock.stopped()
    clock.moved(9, 9)
    clock.applied(2)
    t.strictSame(counts(), [1, 0, 0, 0, 0])
    t.equal(clock.counts().failedEntries, 7)
  },
)
