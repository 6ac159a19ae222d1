import { isPromise } from './promise.js'

/**
 * Work that runs through without a promise when it can, and waits only where a called method returned
 * one. Written once as a generator that yields exactly the promises it meets:
 *
 *     const value = isPromise(result) ? ((yield result) as Value) : result
 */
export type Steps<Result = void> = Generator<PromiseLike<unknown>, Result, unknown>

/** Returns the result itself when no promise was met, else a promise of it. Throws likewise. */
export function runSteps<Result>(steps: Steps<Result>): Result | Promise<Result> {
  const first = steps.next()
  return first.done === true ? first.value : finish(steps, first.value)
}

async function finish<Result>(steps: Steps<Result>, met: PromiseLike<unknown>): Promise<Result> {
  let waitingFor = met
  for (;;) {
    const step = await settle(steps, waitingFor)
    if (step.done === true) return step.value
    waitingFor = step.value
  }
}

async function settle<Result>(
  steps: Steps<Result>,
  promise: PromiseLike<unknown>,
): Promise<IteratorResult<PromiseLike<unknown>, Result>> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(value)
}

/** One call of a method that may return a promise, inside steps. Not for the hot path. */
export function* step<T>(result: T | PromiseLike<T>): Steps<T> {
  return isPromise(result) ? ((yield result) as T) : result
}
