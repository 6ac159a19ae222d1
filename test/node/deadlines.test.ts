import t from 'tap'
import { Deadlines } from '../../lib/node/deadlines.js'
import { VirtualTime } from './fixtures/virtual-time.js'

function wheel() {
  const time = new VirtualTime()
  const deadlines = new Deadlines(time)
  const due: string[] = []
  const add = (ms: number, name: string) => deadlines.add(ms, { due: () => due.push(name) })
  return { time, deadlines, due, add }
}

t.test('deadlines come late by at most a tick, and never early', async (t) => {
  const { time, due, add } = wheel()
  for (const ms of [1, 95, 100, 105]) add(ms, `${ms}`)
  const seen: string[] = []
  for (let ms = 1; ms <= 130; ms++) {
    await time.advance(1)
    for (const name of due.splice(0)) {
      t.ok(ms >= Number(name) && ms <= Number(name) + 11, `${name} at ${ms}`)
      seen.push(name)
    }
  }
  t.equal(seen.length, 4)
})

t.test('a shorter deadline that is added later comes first', async (t) => {
  const { time, due, add } = wheel()
  add(5000, 'long')
  add(50, 'short')
  await time.advance(100)
  t.strictSame(due, ['short'])
  await time.advance(5000)
  t.strictSame(due, ['short', 'long'])
})

t.test('a cancelled deadline never comes, and an empty wheel sets no timer', async (t) => {
  const { time, due, add } = wheel()
  const first = add(50, 'first')
  add(60, 'second')
  first.cancel()
  first.cancel()
  await time.advance(100)
  t.strictSame(due, ['second'])
  t.equal(time.timers, 0)
})

t.test('a deadline may add another', async (t) => {
  const { time, deadlines, due, add } = wheel()
  deadlines.add(20, { due: () => add(20, 'next') })
  await time.advance(100)
  t.strictSame(due, ['next'])
})

t.test('no limit sets no timer', async (t) => {
  const { time, add } = wheel()
  add(Number.POSITIVE_INFINITY, 'never').cancel()
  t.equal(time.timers, 0)
})
