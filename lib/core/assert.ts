/** A broken invariant. It stops the node: going on could lose acknowledged entries. */
export class InvariantError extends Error {
  readonly code = 'RAFT_INVARIANT'
  readonly details: Readonly<Record<string, unknown>>

  constructor(message: string, details: Readonly<Record<string, unknown>>) {
    super(`${message} ${JSON.stringify(details)}`)
    this.name = 'InvariantError'
    this.details = details
  }
}

/** Always on. `details` are the numbers that the message shows. */
export function assert(
  condition: boolean,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): asserts condition {
  if (!condition) throw new InvariantError(message, details)
}

/** Ends a `switch` over a discriminated union: a new kind does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new InvariantError('a case is not handled', { value })
}
