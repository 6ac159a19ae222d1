/** What can be asked of the key-value state machine, and what it answers. */
export type KvRequest =
  | { readonly kind: 'get'; readonly key: string }
  | {
      readonly kind: 'list'
      readonly prefix: string
      /** Only keys above this one; null: from the start of the prefix. */
      readonly after: string | null
      /** Most items in the answer. */
      readonly limit: number
      /** False: keys and revisions only. */
      readonly values: boolean
    }
  /** The number of keys. */
  | { readonly kind: 'size' }

/** What the key-value state machine answers to a read. */
export type KvAnswer = KvGetAnswer | KvListAnswer | number

/** The value and the log index of the key's last write; null when there is no such key. */
export type KvGetAnswer = { readonly value: Uint8Array; readonly revision: number } | null

/** A page of keys, in order. */
export interface KvListAnswer {
  readonly items: readonly KvItem[]
  /** The `after` that goes on from here; null when nothing is left. */
  readonly next: string | null
}

/** A key of a page; `value` is null where values were not asked for. */
export interface KvItem {
  readonly key: string
  readonly value: Uint8Array | null
  readonly revision: number
}

/** What a command answers: see KeyValueMachine.apply. */
export type KvResult = undefined | boolean | readonly boolean[]
