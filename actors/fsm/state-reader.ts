import { assert } from '../../lib/core/assert.js'
import type { IndexedConfiguration, LogIndex, Term } from '../../lib/core/types.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { ProgressMeter } from '../../lib/snapshot/progress-meter.js'
import type { FsmLinkMessage, StateOpened } from '../snapshot/fsm-link.js'

const CHUNK_BYTES = 256 * 1024

/** A stored snapshot as the state machine reads it: one chunk ahead, and no more, is under way. */
export class StateReader {
  readonly #snapshots: ActorRef<FsmLinkMessage>
  readonly #opened: StateOpened
  readonly #meter: ProgressMeter
  readonly #room = new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES))
  #failure: unknown = null

  private constructor(
    snapshots: ActorRef<FsmLinkMessage>,
    opened: StateOpened,
    meter: ProgressMeter,
  ) {
    this.#snapshots = snapshots
    this.#opened = opened
    this.#meter = meter
  }

  /** Rejects when the snapshot does not exist or fails its checksums. */
  static async open(
    snapshots: ActorRef<FsmLinkMessage>,
    index: LogIndex,
    term: Term,
    meter: ProgressMeter,
  ): Promise<StateReader> {
    const opened = await snapshots.ask<StateOpened>({ kind: 'openState', index, term })
    return new StateReader(snapshots, opened, meter)
  }

  /** What went wrong while reading, even if the reader of the chunks took no notice. */
  get failure(): unknown {
    return this.#failure
  }

  /** The newest at or below the snapshot. */
  get configuration(): IndexedConfiguration {
    return this.#opened.configuration
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const { size } = this.#opened
    let offset = 0
    let next = size > 0 ? this.#read(0) : null
    while (next !== null) {
      const bytes = await next
      assert(bytes.length > 0 && offset + bytes.length <= size, 'a chunk lies inside the state', {
        offset,
        bytes: bytes.length,
        size,
      })
      offset += bytes.length
      next = offset < size ? this.#read(offset) : null
      // Whoever stops reading never learns of it otherwise.
      next?.catch(() => {})
      yield bytes
      this.#meter.report(offset, size)
    }
  }

  /** Bytes of state. */
  get size(): number {
    return this.#opened.size
  }

  /** Lets the snapshot go; nothing more may be read. */
  close(): void {
    const { reading } = this.#opened
    // A snapshot actor that is gone holds nothing.
    this.#snapshots.ask({ kind: 'closeState', reading }).catch(() => {})
  }

  async #read(offset: number): Promise<Uint8Array> {
    const { reading } = this.#opened
    const into = this.#room
    try {
      const asked = { kind: 'readState', reading, offset, into } as const
      const length = await this.#snapshots.ask<number>(asked)
      // The machine may keep what it is given, and the room is filled anew meanwhile.
      return into.slice(0, length)
    } catch (error) {
      this.#failure ??= error
      throw error
    }
  }
}
