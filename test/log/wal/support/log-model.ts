import type { StoredBatch } from '../../../../lib/log/store.js'

/** What a log is, kept in the simplest way. */
export interface ModelLog {
  readonly base: { readonly index: number; readonly term: number }
  readonly batches: readonly StoredBatch[]
}

export const EMPTY_LOG: ModelLog = { base: { index: 0, term: 0 }, batches: [] }

export function lastOf({ base, batches }: ModelLog): { index: number; term: number } {
  const last = batches.at(-1)
  return last === undefined ? base : { index: last.lastIndex, term: last.term }
}

export function appended(log: ModelLog, batch: StoredBatch): ModelLog {
  return { ...log, batches: [...log.batches, batch] }
}

export function truncated({ base, batches }: ModelLog, fromIndex: number): ModelLog {
  return { base, batches: batches.filter((batch) => batch.firstIndex < fromIndex) }
}

export function compacted(log: ModelLog, throughIndex: number): ModelLog {
  const gone = log.batches.filter((batch) => batch.lastIndex <= throughIndex).at(-1)
  if (gone === undefined) return log
  return {
    base: { index: gone.lastIndex, term: gone.term },
    batches: log.batches.filter((batch) => batch.lastIndex > throughIndex),
  }
}

/** What a log holds, to compare: base, and of each batch its place, term and bytes. */
export function describeLog({ base, batches }: ModelLog): string {
  const spans = batches.map(({ firstIndex, lastIndex, term, bytes }) => {
    const crc = Buffer.from(bytes).toString('latin1', 48, 52)
    return `${firstIndex}-${lastIndex}:${term}:${bytes.byteLength}:${crc}`
  })
  return `${base.index}:${base.term} ${spans.join(' ')}`
}
