import { checked } from '../../actors/log/log-scan.js'
import { decodeEntries, type EntryType } from '../log/batch.js'
import type { Store, StoredLog } from '../log/store.js'

/** A batch of a log, in figures. */
export interface BatchSummary {
  readonly firstIndex: number
  readonly lastIndex: number
  readonly count: number
  readonly term: number
  /** When its leader took it, ms since the epoch; 0: not by a leader. */
  readonly time: number
  /** How many entries there are of each kind. */
  readonly kinds: Readonly<Record<string, number>>
  /** Header and body. */
  readonly bytes: number
}

const kindNames: Readonly<Record<EntryType, string>> = {
  0: 'command',
  1: 'noop',
  2: 'configuration',
  3: 'barrier',
  4: 'sessionOpen',
  5: 'sessionKeepAlive',
  6: 'sessionClose',
}

const readBytes = 4 * 1024 * 1024

/**
 * The batches that hold any index from `from` to `to`, read and checked again.
 * @throws StoreCorruptError with the index of what is damaged
 */
export async function* storedBatches(
  store: Store,
  { firstIndex, lastIndex }: StoredLog,
  range: { readonly from?: number | undefined; readonly to?: number | undefined } = {},
): AsyncGenerator<BatchSummary, void, undefined> {
  const last = Math.min(lastIndex, range.to ?? lastIndex)
  for (let index = Math.max(firstIndex, range.from ?? firstIndex); index <= last; ) {
    const batches = await store.read(index, last, readBytes)
    for (const batch of batches) {
      const summary = summaryOf(...checked(batch))
      index = summary.lastIndex + 1
      yield summary
    }
    if (batches.length === 0) return
  }
}

function summaryOf(header: ReturnType<typeof checked>[0], bytes: Uint8Array): BatchSummary {
  const { firstIndex, lastIndex, count, term, time, length } = header
  const kinds: Record<string, number> = {}
  for (const { type } of decodeEntries(bytes)) {
    const name = kindNames[type]
    kinds[name] = (kinds[name] ?? 0) + 1
  }
  return { firstIndex, lastIndex, count, term, time, kinds, bytes: length }
}
