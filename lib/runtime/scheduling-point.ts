/**
 * S8: what stands before each access to memory that threads share (contacts, ages, the control block, revoke
 * words, pins). On threads it is nothing: they interleave by themselves. The simulator, where everything is
 * one thread, puts its scheduling point here, and other actors may run between two accesses.
 */
let point: (() => void) | null = null

/** Called before each load, store and addition. */
export function beforeAccess(): void {
  point?.()
}

/** For this thread, until it is set again; null: none. Returns the one before. */
export function setSchedulingPoint(next: (() => void) | null): (() => void) | null {
  const previous = point
  point = next
  return previous
}
