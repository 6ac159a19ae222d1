import t from 'tap'
import { AppendTimes } from '../../../actors/replicator/append-times.js'
import { replicatorFigures } from '../../../actors/replicator/figures.js'

t.test('an answer is timed from its own request, and settles the earlier ones (S1)', async (t) => {
  const figures = replicatorFigures()
  const times = new AppendTimes(figures)
  for (const request of [1, 2, 3]) times.sent(request, 10 * request)
  times.answered(2, 27)
  t.equal(figures.read().histograms.appendMs.max, 7)
  t.equal(figures.read().histograms.appendMs.count, 1)
  t.equal(figures.read().numbers.inflightRequests, 1)
  times.answered(2, 90)
  t.equal(figures.read().histograms.appendMs.count, 1, 'an answer counts once')
})

t.test('what a broken connection leaves unanswered is forgotten', async (t) => {
  const figures = replicatorFigures()
  const times = new AppendTimes(figures)
  times.sent(1, 0)
  times.answered(1, 4)
  times.sent(2, 5)
  times.clear()
  times.sent(1, 100)
  times.answered(1, 103)
  const { appendMs } = figures.read().histograms
  t.equal(appendMs.sum, 7)
  t.equal(figures.read().numbers.inflightRequests, 0)
})
