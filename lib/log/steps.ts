import { isPromise } from '../runtime/promise.js'

/**
 * Code that may have to wait and usually need not: a store answers at once or with a promise, and the
 * simulator's never with one. Written as a generator it reads like an async function, but runs to its
 * end without leaving the turn unless something really is a promise.
 */
export type Steps<T> = Generator<PromiseLike<unknown>, T, unknown>

/** Inside steps: `const x = yield* wait(store.read(...))`. */
export function* wait<T>(value: T | PromiseLike<T>): Steps<T> {
  return isPromise(value) ? ((yield value) as T) : value
}

/** Runs steps; the result is a promise only if one of them was. */
export function run<T>(steps: Steps<T>): T | Promise<T> {
  const next = steps.next()
  return next.done === true ? next.value : finish(steps, next.value)
}

async function finish<T>(steps: Steps<T>, first: PromiseLike<unknown>): Promise<T> {
  let pending = first
  for (;;) {
    const next = await settle(steps, pending)
    if (next.done === true) return next.value
    pending = next.value
  }
}

async function settle<T>(
  steps: Steps<T>,
  pending: PromiseLike<unknown>,
): Promise<IteratorResult<PromiseLike<unknown>, T>> {
  let value: unknown
  try {
    value = await pending
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(value)
}
