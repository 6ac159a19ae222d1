/** What `restore` must know of a snapshot: the meta that came with it, of a snapshot or a backup. */
export interface RestoreMeta {
  /** Index of the last entry that the state holds, in whatever cluster it was taken; 1 or more. */
  readonly index: number
  /** Term of that entry; only told in messages. */
  readonly term?: number | undefined
  /** Bytes of state. When given, a source of another length is refused and nothing has changed. */
  readonly size?: number | undefined
}

/** The bytes of a snapshot's state, in order; a Node `Readable` fits. */
export type RestoreSource = AsyncIterable<Uint8Array>

/** The answer of `RaftNode.restore`. */
export interface Restored {
  /** Index of the no-op behind the restored state; it is committed and applied on this node. */
  readonly index: number
}
