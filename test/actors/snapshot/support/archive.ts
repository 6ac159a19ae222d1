import { crc32 } from 'node:zlib'
import type { FsmLinkMessage } from '../../../../actors/snapshot/fsm-link.js'
import type {
  SnapshotMessage,
  SnapshotMeta,
  SnapshotReply,
} from '../../../../actors/snapshot/protocol.js'
import { createActor } from '../../../../actors/snapshot/snapshot-actor.js'
import { type ActorHandle, createActorSystem } from '../../../../lib/runtime/index.js'
import { MemorySnapshots } from '../../../../lib/snapshot/memory-store.js'
import type { SnapshotStoreSpec } from '../../../../lib/snapshot/store.js'
import { memorySnapshotStore } from '../../../../lib/snapshot/stores.js'
import { configuration, pattern } from '../../../snapshot/support/snapshots.js'
import { Inbox } from '../../fsm/support/inbox.js'

type Message = SnapshotMessage | FsmLinkMessage

export interface ArchiveOptions {
  readonly disk?: MemorySnapshots
  readonly store?: SnapshotStoreSpec
  readonly retain?: number
  readonly compression?: 'inline' | 'pool'
  readonly dataDir?: string
}

/** A snapshot actor, with inboxes where the consensus and FSM actors would be. */
export class Archive {
  readonly system = createActorSystem()
  readonly replies = new Inbox<SnapshotReply>()
  readonly disk: MemorySnapshots
  #actor: ActorHandle<Message> | null = null
  #fsm: ActorHandle | null = null
  #fsms = 0

  private constructor(options: ArchiveOptions) {
    this.disk = options.disk ?? new MemorySnapshots()
  }

  static async open(options: ArchiveOptions = {}): Promise<Archive> {
    const archive = new Archive(options)
    const { dataDir = '', store, retain = 2, compression = 'off' } = options
    const consensus = await archive.replies.spawn(archive.system, 'consensus')
    archive.#actor = await archive.system.spawn({
      name: 'snapshot',
      module: new URL('../../../../actors/snapshot/snapshot-actor.js', import.meta.url),
      create: createActor,
      init: {
        nodeId: 'n1',
        dataDir,
        retain,
        compression,
        store: store ?? memorySnapshotStore(archive.disk),
      },
      placement: 'inline',
    })
    archive.system.link(archive.actor, 'consensus', consensus)
    await archive.startFsm()
    return archive
  }

  get actor(): ActorHandle<Message> {
    if (this.#actor === null) throw new Error('not started')
    return this.#actor
  }

  /** Another FSM actor, linked; the former one is gone. */
  async startFsm(): Promise<void> {
    await this.#fsm?.stop()
    this.#fsms++
    this.#fsm = (await new Inbox().spawn(this.system, `fsm-${this.#fsms}`)) as ActorHandle
    this.system.link(this.actor as ActorHandle, 'fsm', this.#fsm)
  }

  async killFsm(): Promise<void> {
    await this.#fsm?.kill()
  }

  ask<R>(message: Message): Promise<R> {
    return this.actor.ref.ask<R>(message)
  }

  /** A state captured and written by the FSM actor. */
  async capture(index: number, term = 1, body = pattern(3000, index)): Promise<SnapshotMeta> {
    const capture = await this.beginCapture(index, term)
    await this.ask({ kind: 'writeCapture', capture, bytes: body })
    return this.ask<SnapshotMeta>({ kind: 'commitCapture', capture })
  }

  async beginCapture(index: number, term = 1): Promise<number> {
    const begin = { kind: 'beginCapture', index, term, configuration } as const
    return (await this.ask<{ readonly capture: number }>(begin)).capture
  }

  async openState(index: number, term = 1): Promise<{ reading: number; size: number }> {
    return this.ask({ kind: 'openState', index, term })
  }

  async readState(reading: number, offset: number, maxBytes: number): Promise<Buffer> {
    const into = new Uint8Array(new SharedArrayBuffer(maxBytes))
    const length = await this.ask<number>({ kind: 'readState', reading, offset, into })
    return Buffer.from(into.subarray(0, length))
  }

  /** The core has no use for a snapshot; resolves when the actor has taken notice. */
  async discard(index: number, term: number): Promise<void> {
    this.actor.ref.tell({ kind: 'discard', index, term })
    const beyond = { offset: Number.MAX_SAFE_INTEGER, maxBytes: 1, deflate: true }
    this.actor.ref.tell({ kind: 'readChunk', peer: 'nobody', transfer: 1, ...beyond })
    await this.replies.take('chunkFailed')
  }

  /** A whole snapshot from a leader, in one chunk. */
  async receive(index: number, term = 1, body = pattern(3000, index)): Promise<void> {
    const { length } = body
    const meta = { index, term, configuration, size: length, checksum: crc32(body) }
    const from = { connection: 1, leader: 'n3', leaderTerm: term, transfer: 1 }
    const chunk = { meta, offset: 0, length, compressed: false, bytes: body, done: true }
    this.actor.ref.tell({ kind: 'storeChunk', ...from, ...chunk })
    const stored = await this.replies.take('chunkStored')
    if (stored.error !== null) throw new Error(stored.error.message)
    await this.replies.take('snapshotReceived')
  }

  /** The answer to one readChunk. */
  async readChunk(transfer: number, offset: number, maxBytes = 1000, peer = 'n2', deflate = true) {
    this.actor.ref.tell({ kind: 'readChunk', peer, transfer, offset, maxBytes, deflate })
    return this.replies.take('chunkRead')
  }

  async failToReadChunk(transfer: number, offset = 0) {
    const room = { maxBytes: 1000, deflate: true }
    const read = { kind: 'readChunk', peer: 'n2', transfer, offset, ...room } as const
    this.actor.ref.tell(read)
    return (await this.replies.take('chunkFailed')).error
  }

  async list(): Promise<string[]> {
    const list = await this.ask<readonly SnapshotMeta[]>({ kind: 'list' })
    return list.map(({ index, term }) => `${term}-${index}`)
  }

  /** Changes the stored bytes of the snapshot at an index. */
  damage(index: number): void {
    for (const { stored, bytes } of this.disk.held.values()) {
      if (stored.index === index) bytes.fill(0)
    }
  }

  async close(): Promise<void> {
    await this.system.close()
  }
}
