import { encodeBatch } from './batch-builder.js'
import { readHeader } from './batch-layout.js'
import { batchBytes } from './slab.js'
import type { StoredBatch, StoredLog } from './store.js'

/** Reads to the end. */
export const ALL = Number.MAX_SAFE_INTEGER

/** Entries `from`..`to` of one term, with `size` bytes each that tell them apart. */
export function batchOf(
  from: number,
  to: number,
  term: number,
  prevTerm: number,
  size = 16,
): StoredBatch {
  const entries = []
  for (let index = from; index <= to; index++) {
    entries.push({ type: 0, data: new Uint8Array(size).fill(index * 31 + term) } as const)
  }
  const ref = encodeBatch(entries, { firstIndex: from, term, prevTerm, time: 1000 + from })
  return { firstIndex: from, lastIndex: to, term, bytes: batchBytes(ref) }
}

export function expect(condition: boolean, what: string, found?: unknown): asserts condition {
  if (!condition) throw new Error(`${what}; found ${JSON.stringify(found)}`)
}

/** What the store reads is exactly these batches. */
export function expectBatches(
  found: readonly StoredBatch[],
  expected: readonly StoredBatch[],
  what: string,
): void {
  const spans = found.map(({ firstIndex, lastIndex, term }) => ({ firstIndex, lastIndex, term }))
  expect(found.length === expected.length, `${what}: expected ${expected.length} batches`, spans)
  for (const [position, batch] of expected.entries()) {
    const other = found[position]
    const same =
      other !== undefined &&
      other.firstIndex === batch.firstIndex &&
      other.lastIndex === batch.lastIndex &&
      other.term === batch.term &&
      Buffer.compare(new Uint8Array(other.bytes), new Uint8Array(batch.bytes)) === 0
    expect(same, `${what}: batch ${position} is not the one at ${batch.firstIndex}`, spans)
  }
}

/** What recovery found is a log of these batches behind (index, term). */
export function expectLog(
  log: StoredLog,
  base: { readonly index: number; readonly term: number },
  batches: readonly StoredBatch[],
): void {
  const last = batches.at(-1)
  const first = batches[0]
  expect(log.firstIndex === (first?.firstIndex ?? base.index + 1), 'firstIndex is wrong', log)
  expect(log.lastIndex === (last?.lastIndex ?? base.index), 'lastIndex is wrong', log)
  expect(log.lastTerm === (last?.term ?? base.term), 'lastTerm is wrong', log)
  const prevTerm = first === undefined ? base.term : readHeader(first.bytes).prevTerm
  expect(log.prevTerm === prevTerm, 'prevTerm is wrong', log)
  expect(log.voteFloor === undefined, 'nothing is torn', log)
}

/** The call throws, at once or by its promise. */
export async function expectRefusal(call: () => unknown, what: string): Promise<unknown> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    return error
  }
  throw new Error(`${what} was not refused; it gave ${JSON.stringify(value)}`)
}
