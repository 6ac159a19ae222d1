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

/** Made by this class, in whatever copy of the package. */
export function isRaftErrorInstance(error: unknown): error is RaftError {
  return typeof error === 'object' && error !== null && (error as RaftError)[BRAND] === true
}

/**
 * Whether `error` is one of the library's (with that code, when one is given): a RaftError of this or
 * another copy of the package, one that lost its class on its way between threads, or an error of a
 * part that bears one of our codes. `outcome` and `retryable` are undefined where the part knew nothing
 * of proposals.
 */
export function isRaftError<C extends RaftErrorCode = RaftErrorCode>(
  error: unknown,
  code?: C,
): error is RaftError & { readonly code: C } {
  if (typeof error !== 'object' || error === null || !('message' in error)) return false
  const candidate = error as Partial<RaftError>
  return isRaftErrorCode(candidate.code) && (code === undefined || candidate.code === code)
}

/** The status of an HTTP answer: 503 always means certainly not applied, 504 unknown. */
export function httpStatus(error: RaftError): number {
  if (error.outcome === 'unknown') return 504
  const { http } = factsOf(error.code)
  // Committed, and its answer lost: not 503, which promises that nothing was applied.
  return error.outcome === 'committed' && http === 503 ? 504 : http
}
