import t from 'tap'
import { type Command, Counter } from '../../lib/examples/counter.js'
import { simulateCounter, simulatedCounter } from '../../lib/examples/simulated-counter.js'
import type { Entry } from '../../lib/index.js'
import { runSeed } from '../../lib/sim/index.js'

const SHORT_MS = 3000

t.setTimeout(300_000)

t.test('the counter passes seeds of the simulator', async (t) => {
  t.ok((await simulateCounter(4, SHORT_MS)) > 50)
})

/** Counts what it was given since its process began, which no replica has in common with another. */
class Forgetful extends Counter {
  #calls = 0

  override apply(entry: Entry<Command>): number {
    super.apply(entry)
    return ++this.#calls
  }
}

/** Seeds one after the other until one fails. */
async function firstFailure(change: Partial<typeof simulatedCounter>): Promise<unknown> {
  const subject = { ...simulatedCounter, ...change }
  for (let seed = 1; seed <= 20; seed++) {
    try {
      await runSeed({ seed, faultsMs: SHORT_MS, subject })
    } catch (error) {
      return error
    }
  }
  return null
}

t.test('a machine whose results depend on restarts is found out', async (t) => {
  const error = await firstFailure({ createStateMachine: () => new Forgetful(5) })
  t.match(error, { name: 'SafetyViolation', rule: 'replicas have equal states' })
})

t.test('a broken rule of one’s own is found out, and named', async (t) => {
  const check = (counter: Counter): void => {
    if (counter.queries.isAtLeast(60)) throw new Error('the total is 60 or more')
  }
  const error = await firstFailure({ check })
  t.match(error, { rule: 'check of the state machine', message: /the total is 60 or more/ })
})
