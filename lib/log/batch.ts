/** The entry batch: what the leader encodes once and everyone else reads (DESIGN §2.3). */

export { BatchBuilder, encodeBatch, type NewEntry, sealBatch } from './batch-builder.js'
export {
  type DecodedEntry,
  type DecodeOptions,
  decodeEntries,
  EntryCursor,
} from './batch-decoder.js'
export { BatchError, type BatchFault } from './batch-error.js'
export {
  BATCH_HEADER_BYTES,
  type BatchHead,
  type BatchHeader,
  ENTRY_BARRIER,
  ENTRY_COMMAND,
  ENTRY_CONFIGURATION,
  ENTRY_HEADER_BYTES,
  ENTRY_NOOP,
  ENTRY_SESSION_CLOSE,
  ENTRY_SESSION_KEEP_ALIVE,
  ENTRY_SESSION_OPEN,
  type EntryType,
  readHeader,
  verifyBatch,
} from './batch-layout.js'
export type { BatchRef } from './batch-ref.js'
export type { EntryIdentity, EntryKey, EntrySession } from './entry-identity.js'
