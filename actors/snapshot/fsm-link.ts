import type { IndexedConfiguration, LogIndex, Term } from '../../lib/core/types.js'

/**
 * What the FSM actor asks of the snapshot actor (all by `ask`: the answer is the credit for the next
 * chunk, and an actor that dies rejects what was asked of it).
 *
 * A capture is written by one FSM actor at a time: `beginCapture` gives it a number and ends a former
 * one. The snapshot exists when `commitCapture` is answered. A capture whose FSM actor dies is removed.
 */
export type FsmLinkMessage =
  | {
      readonly kind: 'beginCapture'
      readonly index: LogIndex
      readonly term: Term
      readonly configuration: IndexedConfiguration
      readonly restored?: boolean
    }
  /** Answered once the bytes may be reused. */
  | { readonly kind: 'writeCapture'; readonly capture: number; readonly bytes: Uint8Array }
  /** Answered with the SnapshotMeta. */
  | { readonly kind: 'commitCapture'; readonly capture: number }
  | { readonly kind: 'abortCapture'; readonly capture: number }
  /** The stored snapshot at (index, term), verified and kept from being pruned until `closeState`. */
  | { readonly kind: 'openState'; readonly index: LogIndex; readonly term: Term }
  /** Answered with how many bytes of `into`, which is shared memory, are filled; 0 at the end only. */
  | {
      readonly kind: 'readState'
      readonly reading: number
      readonly offset: number
      readonly into: Uint8Array
    }
  | { readonly kind: 'closeState'; readonly reading: number }

export interface CaptureBegun {
  readonly capture: number
}

export interface StateOpened {
  readonly reading: number
  /** Bytes of state. */
  readonly size: number
  readonly configuration: IndexedConfiguration
}
