import type { LogIndex, Term } from '../core/types.js'

/** What names a snapshot. */
export interface SnapshotId {
  readonly index: LogIndex
  readonly term: Term
}

/** Negative when `a` is newer: by term, then by index, as numbers and never as text. */
export function newestFirst(a: SnapshotId, b: SnapshotId): number {
  return b.term - a.term || b.index - a.index
}

export function sameSnapshot(a: SnapshotId, b: SnapshotId): boolean {
  return a.index === b.index && a.term === b.term
}

/** A key for maps and sets. */
export function snapshotKey(id: SnapshotId): string {
  return `${id.term}-${id.index}`
}
