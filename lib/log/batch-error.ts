/** What is wrong with the bytes. */
export type BatchFault =
  | 'length'
  | 'magic'
  | 'version'
  | 'header'
  | 'body'
  | 'entries'
  | 'range'
  | 'configuration'

/** Bytes that are no entry batch, or a damaged one. `fault` says which check failed. */
export class BatchError extends Error {
  readonly code = 'RAFT_CORRUPT'
  override readonly name = 'BatchError'
  readonly fault: BatchFault

  constructor(fault: BatchFault, message: string) {
    super(message)
    this.fault = fault
  }
}
