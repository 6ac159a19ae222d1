import t from 'tap'
import { ProgressMeter } from '../../lib/snapshot/progress-meter.js'

t.test('progress is told once a second at most, and once at the end', async (t) => {
  let now = 0
  const told: string[] = []
  const meter = new ProgressMeter(
    () => now,
    (done, total) => told.push(`${now} ${done}/${total}`),
  )
  for (let done = 0; done <= 30; done++) {
    now = done * 100
    meter.report(done, 40)
  }
  t.strictSame(told, ['1000 10/40', '2000 20/40', '3000 30/40'])
  meter.finish(40)
  meter.finish(40)
  now = 9000
  meter.report(39, 40)
  t.strictSame(told.slice(3), ['3000 40/40'])
})

t.test('quick work tells of its end only', async (t) => {
  const told: number[] = []
  const meter = new ProgressMeter(
    () => 5,
    (done) => told.push(done),
  )
  meter.report(1, 2)
  meter.finish(2)
  t.strictSame(told, [2])
})
