import t from 'tap'
import { StopSignals } from '../../lib/cli/stop-signals.js'

t.test('the first signal stops, its echo does nothing, a later one forces', async (t) => {
  let forced = 0
  const signals = new StopSignals(() => {
    forced++
  })
  t.teardown(() => signals.release())
  process.emit('SIGINT', 'SIGINT')
  t.equal(await signals.requested, 'SIGINT')
  process.emit('SIGINT', 'SIGINT')
  t.equal(forced, 0, 'npm passes on what the terminal has sent already')
  const at = performance.now()
  while (forced === 0 && performance.now() - at < 5000) {
    process.emit('SIGTERM')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal(forced, 1)
  t.ok(performance.now() - at > 400)
})

t.test('released, signals have their usual effect', async (t) => {
  const before = process.listenerCount('SIGINT')
  const signals = new StopSignals(() => {})
  t.equal(process.listenerCount('SIGINT'), before + 1)
  signals.release()
  t.equal(process.listenerCount('SIGINT'), before)
})
