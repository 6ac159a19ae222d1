import t from 'tap'
import { isPromise } from '../../lib/runtime/promise.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'

function* sum(values: readonly (number | Promise<number>)[]): Steps<number> {
  let total = 0
  for (const value of values) total += yield* step(value)
  return total
}

t.test('steps that meet no promise run through at once', async (t) => {
  t.equal(runSteps(sum([1, 2, 3])), 6)
})

t.test('steps that meet promises wait for each and go on', async (t) => {
  const result = runSteps(sum([1, Promise.resolve(2), Promise.resolve(3), 4]))
  t.ok(isPromise(result))
  t.equal(await result, 10)
})

t.test('a throw before the first promise is a throw', async (t) => {
  function* failing(): Steps {
    yield* step(undefined)
    throw new Error('at once')
  }
  t.throws(() => runSteps(failing()), { message: 'at once' })
})

t.test('a rejection is thrown where the steps waited, and may be caught there', async (t) => {
  const cleaned: string[] = []
  function* careful(fails: Promise<number>): Steps<number> {
    try {
      return yield* step(fails)
    } catch {
      return yield* step(Promise.resolve(-1))
    } finally {
      cleaned.push('finally')
    }
  }
  t.equal(await runSteps(careful(Promise.reject(new Error('later')))), -1)
  t.strictSame(cleaned, ['finally'])
  await t.rejects(async () => runSteps(sum([Promise.reject(new Error('later'))])), {
    message: 'later',
  })
})
