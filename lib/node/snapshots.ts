import type {
  SnapshotMessage,
  SnapshotMeta,
  SnapshotOpened,
} from '../../actors/snapshot/protocol.js'
import type { Configuration } from '../core/types.js'
import type { ActorRef } from '../runtime/actor.js'
import { raftErrorFrom } from './error-wire.js'
import { RaftError } from './errors.js'
import { closedError } from './failures.js'

/** Bytes read at once while a snapshot is streamed. */
const READ_BYTES = 256 * 1024

/** What is known of a snapshot beside its bytes. */
export interface SnapshotMetadata {
  /** Its last entry. */
  readonly index: number
  readonly term: number
  /** The configuration in force at `index`, and the index of the entry that brought it. */
  readonly configuration: Configuration
  readonly configurationIndex: number
  /** Bytes of state. */
  readonly size: number
  /** CRC-32 of the state. */
  readonly checksum: number
}

/** A snapshot of this node's state machine. */
export interface NodeSnapshot {
  readonly index: number
  readonly term: number
  /** Bytes of state. */
  readonly bytes: number
  /**
   * Opens it for reading, any number of times. While open it is kept, however many newer ones there are.
   * @throws RaftError RAFT_STORE_FAILED when it was pruned before, RAFT_CORRUPT when it fails a checksum.
   */
  open(): Promise<OpenSnapshot>
}

/** An open snapshot: its metadata and, once, its bytes. Read to the end or closed, it lets go of it. */
export interface OpenSnapshot extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly meta: SnapshotMetadata
  close(): Promise<void>
}

/** The program's way to the snapshots of its node. */
export class Snapshots {
  readonly #actor: () => ActorRef<SnapshotMessage>
  readonly #isOver: () => boolean

  constructor(actor: () => ActorRef<SnapshotMessage>, isOver: () => boolean) {
    this.#actor = actor
    this.#isOver = isOver
  }

  /** Null: there is none yet. */
  async newest(): Promise<NodeSnapshot | null> {
    const meta = await this.#try(this.#actor(), { kind: 'newest' })
    if (meta === null) return null
    const { index, term, size } = meta as SnapshotMeta
    return this.handle(index, term, size)
  }

  handle(index: number, term: number, bytes: number): NodeSnapshot {
    return { index, term, bytes, open: () => this.#open(index, term) }
  }

  async #open(index: number, term: number): Promise<OpenSnapshot> {
    // One actor from here on: another one knows nothing of this reading.
    const actor = this.#actor()
    const opened = (await this.#try(actor, { kind: 'openSnapshot', index, term })) as SnapshotOpened
    return new Reading(opened, (message) => this.#try(actor, message))
  }

  async #try(actor: ActorRef<SnapshotMessage>, message: SnapshotMessage): Promise<unknown> {
    try {
      return await actor.ask(message)
    } catch (error) {
      if (this.#isOver()) throw closedError('the reading of a snapshot', null)
      throw raftErrorFrom(error, 'RAFT_STORE_FAILED')
    }
  }
}

class Reading implements OpenSnapshot {
  readonly meta: SnapshotMetadata
  readonly #reading: number
  readonly #ask: (message: SnapshotMessage) => Promise<unknown>
  readonly #room = new Uint8Array(new SharedArrayBuffer(READ_BYTES))
  #begun = false
  #closed = false

  constructor(
    { reading, meta }: SnapshotOpened,
    ask: (message: SnapshotMessage) => Promise<unknown>,
  ) {
    const { index, term, size, checksum, configuration } = meta
    const { configuration: members, index: configurationIndex } = configuration
    this.meta = { index, term, configuration: members, configurationIndex, size, checksum }
    this.#reading = reading
    this.#ask = ask
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#begun) throw this.#unreadable('it was read before: open it again')
    this.#begun = true
    try {
      for (let offset = 0; offset < this.meta.size; ) {
        if (this.#closed) throw this.#unreadable('it was closed while it was read')
        const bytes = await this.#read(offset)
        offset += bytes.length
        yield bytes
      }
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // An actor that is gone holds nothing.
    await this.#ask({ kind: 'closeSnapshot', reading: this.#reading }).catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #read(offset: number): Promise<Uint8Array> {
    const reading = this.#reading
    const length = await this.#ask({ kind: 'readSnapshot', reading, offset, into: this.#room })
    // The reader may keep what it is given.
    return this.#room.slice(0, length as number)
  }

  #unreadable(why: string): RaftError {
    const { index } = this.meta
    return new RaftError(
      'RAFT_STORE_FAILED',
      `the snapshot at index ${index} cannot be read: ${why}`,
      {
        details: { index },
      },
    )
  }
}
