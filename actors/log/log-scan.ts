import type { IndexedConfiguration, LogIndex, LogSummary, TermRun } from '../../lib/core/types.js'
import {
  type BatchHeader,
  decodeEntries,
  ENTRY_CONFIGURATION,
  verifyBatch,
} from '../../lib/log/batch.js'
import { BatchError } from '../../lib/log/batch-error.js'
import { decodeConfiguration } from '../../lib/log/configuration-codec.js'
import {
  type Store,
  StoreCorruptError,
  type StoredBatch,
  type StoredLog,
} from '../../lib/log/store.js'
import { type Steps, step } from '../../lib/runtime/steps.js'

export interface ScannedLog {
  readonly summary: LogSummary
  /** Leader time of the newest batch, 0 when there is none. */
  readonly lastTime: number
}

/** Reads the whole log once: which terms it has, and which configurations. */
export function* scanLog(store: Store, stored: StoredLog, maxReadBytes: number): Steps<ScannedLog> {
  const scan = new Scan()
  for (let index = stored.firstIndex; index <= stored.lastIndex; index = scan.lastIndex + 1) {
    const batches = yield* step(store.read(index, stored.lastIndex, maxReadBytes))
    for (const batch of batches) scan.add(checked(batch))
    if (batches.length === 0 || scan.lastIndex < index) throw missing(index)
  }
  const { firstIndex, lastIndex, prevTerm, lastTerm } = stored
  const { termRuns, configurations, lastTime } = scan
  const log = { firstIndex, lastIndex, prevTerm, lastTerm, termRuns, configurations }
  return { summary: log, lastTime }
}

/**
 * The bytes of a batch as the store gave them, with its header; what a disk damaged since it was
 * written is found here. @throws StoreCorruptError
 */
export function checked(batch: StoredBatch): readonly [BatchHeader, Uint8Array] {
  try {
    return [verifyBatch(batch.bytes), batch.bytes]
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    throw new StoreCorruptError(
      `the log is damaged at index ${batch.firstIndex}: ${error.message}`,
      batch.firstIndex,
    )
  }
}

class Scan {
  readonly termRuns: TermRun[] = []
  readonly configurations: IndexedConfiguration[] = []
  lastIndex: LogIndex = 0
  lastTime = 0

  add([header, bytes]: readonly [BatchHeader, Uint8Array]): void {
    const { firstIndex, lastIndex, term, count, time } = header
    if (this.termRuns.at(-1)?.term !== term) this.termRuns.push({ firstIndex, term })
    this.lastIndex = lastIndex
    this.lastTime = Math.max(this.lastTime, time)
    // S6: a configuration entry is a batch of its own.
    if (count === 1) this.#addConfiguration(bytes)
  }

  #addConfiguration(bytes: Uint8Array): void {
    for (const { type, index, data } of decodeEntries(bytes)) {
      if (type !== ENTRY_CONFIGURATION) continue
      this.configurations.push({ index, configuration: decodeConfiguration(data) })
    }
  }
}

function missing(index: LogIndex): StoreCorruptError {
  return new StoreCorruptError(`the store says that it holds index ${index} and does not`, index)
}
