import type { LogIndex } from '../../lib/core/types.js'
import type { StateMachineSpec } from '../../lib/fsm/spec.js'
import type { Codec, Entry } from '../../lib/fsm/state-machine.js'
import { type DecodedEntry, decodeEntries } from '../../lib/log/batch.js'
import type { BatchRef } from '../../lib/log/batch-ref.js'
import { batchBytes } from '../../lib/log/slab.js'

const OVERWRITTEN = 0xdd

/** Turns batches into what the state machine is given, and says whose the bytes are. */
export class EntrySource {
  /** The decoded bytes do not lie in the batch: it may be unpinned at once. */
  readonly copies: boolean
  readonly #codec: Codec<unknown>
  readonly #overwrites: boolean

  constructor(spec: StateMachineSpec, codec: Codec<unknown>, overwrites: boolean) {
    const borrowed = spec.entryData === 'borrowed'
    this.#codec = codec
    this.#overwrites = borrowed && overwrites
    // A JSON command is an object of its own already, and shared slabs must not be overwritten (S7).
    this.copies = spec.codec.kind === 'json' ? this.#overwrites : !borrowed || overwrites
  }

  decode(batch: BatchRef, from: LogIndex, to: LogIndex): DecodedEntry[] {
    return decodeEntries(batchBytes(batch), { from, to, copy: this.copies })
  }

  /** @throws what the codec throws */
  toEntry(decoded: DecodedEntry): Entry<unknown> {
    const { index, term, time, extensions } = decoded
    return { index, term, time, command: this.#codec.decode(decoded.data), extensions }
  }

  /** The machine has returned: what it borrowed is not its own any more. */
  giveBack(decoded: DecodedEntry): void {
    if (!this.#overwrites) return
    decoded.data.fill(OVERWRITTEN)
    decoded.extensions?.fill(OVERWRITTEN)
  }
}
