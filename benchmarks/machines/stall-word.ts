import { now } from '../../lib/runtime/clock.js'

export interface StallWord {
  /** One word: for how many milliseconds the next call blocks its thread; taken once. Null: never. */
  readonly stallMs: SharedArrayBuffer | null
}

/** Blocks the thread as a device or user code that hangs would. */
export function takeStall(stallMs: SharedArrayBuffer | null): void {
  if (stallMs === null) return
  const word = new Int32Array(stallMs)
  if (Atomics.load(word, 0) === 0) return
  const until = now() + Atomics.exchange(word, 0, 0)
  while (now() < until) Atomics.wait(word, 0, 0, until - now())
}
