/**
 * An error as data. postMessage strips an Error of its name, code and fields, so errors cross threads
 * (and the wire) in this form and are rebuilt on the other side, code and all.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string | null
  /** Structured-clonable facts; dropped when they cannot be cloned. */
  readonly details: unknown
  readonly stack: string | null
  readonly cause: WireError | null
}
