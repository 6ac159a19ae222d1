import { factsOf, isRaftErrorCode, type Outcome, type RaftErrorCode } from './error-codes.js'

/** The same symbol in every thread's and every copy's instances of this module. */
const BRAND: unique symbol = Symbol.for('troupe.RaftError')

export interface RaftErrorOptions {
  /** Overrides what the code alone says of the proposal; null: the call was no proposal. */
  readonly outcome?: Outcome | null
  /** Structured-clonable facts, e.g. the leader's id, address and meta. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * Every error of the library. `code` says what happened, `outcome` what became of the proposal (S17;
 * undefined when the call was none), `retryable` whether the same call may be repeated as it is.
 */
export class RaftError extends Error {
  readonly code: RaftErrorCode
  readonly outcome: Outcome | undefined
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: RaftErrorCode, message: string, options: RaftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    const facts = factsOf(code)
    const outcome = options.outcome === undefined ? facts.outcome : options.outcome
    // The platform's convention: whatever an AbortSignal ended has this name.
    this.name = code === 'RAFT_ABORTED' ? 'AbortError' : 'RaftError'
    this.code = code
    this.outcome = outcome ?? undefined
    this.retryable = mayRetry(code, facts.retryable, outcome)
    this.details = options.details ?? {}
  }

  get [BRAND](): true {
    return true
  }
}

function mayRetry(code: RaftErrorCode, byCode: boolean, outcome: Outcome | null): boolean {
  // S17: what may have been applied is never repeated without a client session.
  if (outcome === 'unknown' || outcome === 'committed') return false
  return byCode || code === 'RAFT_TIMEOUT'
}

/**
 * Whether `error` is a RaftError (with that code, when one is given). It also knows one of another copy
 * of the package, and one that lost its class on its way between threads.
 */
export function isRaftError<C extends RaftErrorCode = RaftErrorCode>(
  error: unknown,
  code?: C,
): error is RaftError & { readonly code: C } {
  if (typeof error !== 'object' || error === null) return false
  const candidate = error as Partial<RaftError>
  const branded = candidate[BRAND] === true
  // A clone has no symbols; `retryable` beside a code of ours is the shape of no other error.
  if (!branded && typeof candidate.retryable !== 'boolean') return false
  return isRaftErrorCode(candidate.code) && (code === undefined || candidate.code === code)
}

/** The status of an HTTP answer: 503 always means certainly not applied, 504 unknown. */
export function httpStatus(error: RaftError): number {
  if (error.outcome === 'unknown') return 504
  return factsOf(error.code).http
}
