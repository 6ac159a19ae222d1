import type { Deadline, Deadlines, Due } from './deadlines.js'
import type { Outcome } from './error-codes.js'
import { RaftError } from './errors.js'
import { abortedError, closedError, timeoutError } from './failures.js'
import type { CallOptions } from './types.js'

/** Whoever waits for a value, seen from the one who will have it. */
export interface Waiting<T> {
  /** Ended otherwise: the value is not wanted any more. */
  readonly settled: boolean
  /** Why the last attempt failed, for the message of a timeout. */
  lastError: RaftError | undefined
  resolve(value: T): void
  reject(error: Error): void
}

/**
 * A call that waits with a deadline and signal of its own. Whoever it waits with sets `giveUp`: it
 * detaches the call and says what has become of its proposal (null: it is none).
 */
export class PendingCall<T> implements Due, Waiting<T>, Link {
  readonly what: string
  readonly timeoutMs: number
  readonly promise: Promise<T>
  giveUp: () => Outcome | null = notBegun
  /** Runs once, when the call has ended in whatever way. */
  onSettled: (() => void) | null = null
  lastError: RaftError | undefined
  settled = false
  before: Link | null = null
  after: Link | null = null
  readonly #calls: Calls
  readonly #signal: AbortSignal | undefined
  #onAbort: (() => void) | null = null
  #deadline: Deadline | null = null
  #resolve: (value: T) => void = ignore
  #reject: (error: Error) => void = ignore

  constructor(calls: Calls, what: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#calls = calls
    this.what = what
    this.timeoutMs = timeoutMs
    this.#signal = signal
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** From here on time runs and the signal is heard. */
  watch(deadlines: Deadlines): void {
    if (this.timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#deadline = deadlines.add(this.timeoutMs, this)
    }
    if (this.#signal === undefined) return
    this.#onAbort = () => this.#abort()
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    if (this.#signal.aborted) this.#abort()
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value)
  }

  reject(error: Error): void {
    if (this.#settle()) this.#reject(error)
  }

  due(): void {
    if (this.settled) return
    this.#calls.timeouts++
    this.reject(timeoutError(this.what, this.timeoutMs, this.giveUp(), this.lastError))
  }

  close(cause: RaftError | undefined): void {
    if (!this.settled) this.reject(closedError(this.what, this.giveUp(), cause))
  }

  #abort(): void {
    if (!this.settled) this.reject(abortedError(this.what, this.giveUp(), this.#signal?.reason))
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.#deadline?.cancel()
    if (this.#onAbort !== null) this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#calls.ended(this)
    this.onSettled?.()
    return true
  }
}

/**
 * A place in the list of waiting calls. The list runs through the calls themselves: a Set would cost more
 * than all the rest of a call.
 */
interface Link {
  before: Link | null
  after: Link | null
  close(cause: RaftError | undefined): void
}

/** All calls of a node that wait on their own. */
export class Calls {
  /** Calls that ran out of time. */
  timeouts = 0
  readonly #deadlines: Deadlines
  #newest: Link | null = null
  #closed: { readonly cause: RaftError | undefined } | null = null

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  /**
   * The call may come back settled: the node is closed, the signal aborted, or the options wrong.
   * `fate`: what an end before anything else has happened means; null for a call that proposes nothing.
   */
  start<T>(
    what: string,
    options: CallOptions | undefined,
    defaultTimeoutMs: number,
    fate: 'rejected' | null = 'rejected',
  ): PendingCall<T> {
    const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs
    const call = new PendingCall<T>(this, what, timeoutMs, options?.signal)
    if (fate === null) call.giveUp = noProposal
    this.#add(call)
    if (this.#closed !== null) call.close(this.#closed.cause)
    else if (!(timeoutMs > 0)) call.reject(wrongTimeout(what, timeoutMs, fate))
    else call.watch(this.#deadlines)
    return call
  }

  ended(call: Link): void {
    const { before, after } = call
    if (after === null) this.#newest = before
    else after.before = before
    if (before !== null) before.after = after
    // Ended calls must not keep each other alive.
    call.before = null
    call.after = null
  }

  /** Nothing new is taken any more. */
  get over(): boolean {
    return this.#closed !== null
  }

  /** Later calls end at once; those under way go on. */
  refuseNew(cause: RaftError | undefined): void {
    // The end that follows a failure does not hide it.
    this.#closed = { cause: this.#closed?.cause ?? cause }
  }

  /** Every call ends, and every later one at once. */
  close(cause: RaftError | undefined): void {
    this.refuseNew(cause)
    // A call that is closed leaves the list; its settling may close others, but starts none.
    while (this.#newest !== null) this.#newest.close(cause)
  }

  #add(call: Link): void {
    call.before = this.#newest
    if (this.#newest !== null) this.#newest.after = call
    this.#newest = call
  }
}

function wrongTimeout(what: string, timeoutMs: number, outcome: Outcome | null): RaftError {
  return new RaftError(
    'RAFT_CONFIG_INVALID',
    `${what}: timeoutMs is a number above 0, or Infinity; found ${timeoutMs}`,
    { outcome, details: { timeoutMs } },
  )
}

function ignore(): void {}
const notBegun = (): Outcome => 'rejected'
const noProposal = (): null => null
