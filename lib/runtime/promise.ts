/**
 * Whether a method that may answer at once did not. Callers go on without an await when it did: on the
 * simulator's scheduler that is what keeps virtual time in one piece, on threads it saves a turn.
 */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    value !== null &&
    typeof value === 'object' &&
    typeof (value as { readonly then?: unknown }).then === 'function'
  )
}
