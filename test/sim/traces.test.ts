import { createHash } from 'node:crypto'
import t from 'tap'
import type { TraceEvent } from '../../lib/runtime/sim-host.js'
import { runSeed } from '../../lib/sim/run-seed.js'
import { traceLine } from '../../lib/sim/trace.js'

/** A digest: to show how two traces of so many lines differ would take the test runner for ever. */
async function traced(seed: number): Promise<{ readonly lines: number; readonly digest: string }> {
  const hash = createHash('sha256')
  let lines = 0
  const onEvent = (event: TraceEvent): void => {
    lines++
    hash.update(`${traceLine(event)}\n`)
  }
  await runSeed({ seed, profile: 'mixed', faultsMs: 3000, onEvent })
  return { lines, digest: hash.digest('hex') }
}

t.test('equal seeds give byte-equal traces, other seeds give others', async (t) => {
  const [once, again, other] = [await traced(7), await traced(7), await traced(8)]
  t.ok(once.lines > 1000)
  t.same(again, once)
  t.not(other.digest, once.digest)
})
