import { assert, assertNever } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import { messageOf } from '../../lib/fsm/errors.js'
import type { ActorContext, ActorRef, Behavior, CreateActor } from '../../lib/runtime/actor.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { type ChunkCodec, inlineCodec, plainCodec } from '../../lib/snapshot/chunk-codec.js'
import { CompressionPool } from '../../lib/snapshot/compression-pool.js'
import { loadSnapshotStore } from '../../lib/snapshot/load.js'
import { Captures } from './captures.js'
import type { FsmLinkMessage, StateOpened } from './fsm-link.js'
import type { SnapshotInit, SnapshotMessage, SnapshotReply } from './protocol.js'
import { Readings } from './readings.js'
import { Receiver } from './receiver.js'
import { Restores } from './restores.js'
import { SnapshotLibrary } from './snapshot-library.js'
import { Transfers } from './transfers.js'

export const createActor: CreateActor<SnapshotInit, SnapshotMessage | FsmLinkMessage> = (
  init,
  context,
) => runSteps(create(init, context))

function* create(init: SnapshotInit, context: ActorContext): Steps<SnapshotActor> {
  const { nodeId, dataDir, retain } = init
  const warn = (fields: object, message: string): void => context.log.warn(fields, message)
  const store = yield* step(loadSnapshotStore(init.store, { nodeId, dataDir, warn }))
  yield* step(store.open())
  return new SnapshotActor(context, new SnapshotLibrary(store, retain, context.log), codecOf(init))
}

function codecOf({ compression = 'off' }: SnapshotInit): ChunkCodec {
  switch (compression) {
    case 'pool':
      return new CompressionPool()
    case 'inline':
      return inlineCodec
    case 'off':
      return plainCodec
    default:
      return assertNever(compression)
  }
}

class SnapshotActor implements Behavior<SnapshotMessage | FsmLinkMessage> {
  readonly #context: ActorContext
  readonly #library: SnapshotLibrary
  readonly #captures: Captures
  readonly #readings: Readings
  /** Those of the program. */
  readonly #opened: Readings
  readonly #codec: ChunkCodec
  readonly #transfers: Transfers
  readonly #receiver: Receiver
  readonly #restores: Restores
  #consensus: ActorRef<SnapshotReply> | null = null

  constructor(context: ActorContext, library: SnapshotLibrary, codec: ChunkCodec) {
    this.#context = context
    this.#library = library
    this.#captures = new Captures(library, context.log)
    this.#readings = new Readings(library)
    this.#opened = new Readings(library)
    this.#codec = codec
    this.#transfers = new Transfers(library, codec)
    const reply = (message: SnapshotReply): void => this.#reply(message)
    this.#receiver = new Receiver({ library, log: context.log, reply })
    this.#restores = new Restores(library, context.log)
  }

  linked(name: string, ref: ActorRef): void {
    if (name === 'consensus') this.#consensus = ref as ActorRef<SnapshotReply>
    // Another state machine: what the former one was doing is over.
    if (name === 'fsm') this.#abandonFsm()
  }

  unlinked(name: string): void {
    if (name === 'consensus') this.#consensus = null
    if (name === 'fsm') this.#abandonFsm()
  }

  receive(message: SnapshotMessage | FsmLinkMessage): void | Promise<void> {
    return runSteps(this.#handle(message))
  }

  answer(message: SnapshotMessage | FsmLinkMessage): unknown {
    return runSteps(this.#answer(message))
  }

  stop(): void | Promise<void> {
    return runSteps(this.#close())
  }

  *#handle(message: SnapshotMessage | FsmLinkMessage): Steps {
    switch (message.kind) {
      case 'readChunk':
        return this.#reply(yield* this.#transfers.read(message))
      case 'endTransfer':
        return yield* this.#transfers.end(message.peer, message.transfer)
      case 'storeChunk':
        return yield* this.#receiver.store(message)
      case 'discard':
        return yield* this.#receiver.discard(message)
      default:
        assert(false, 'the snapshot actor is not told this', { kind: message.kind })
    }
  }

  *#answer(message: SnapshotMessage | FsmLinkMessage): Steps<unknown> {
    switch (message.kind) {
      case 'newest':
        if (message.undone !== undefined) yield* this.#library.removeUndone(message.undone)
        return yield* this.#library.newest()
      case 'list':
        return yield* this.#library.list()
      case 'beginCapture':
        return yield* this.#captures.begin(message)
      case 'writeCapture':
        return yield* this.#captures.write(message.capture, message.bytes)
      case 'commitCapture':
        return yield* this.#captures.commit(message.capture)
      case 'abortCapture':
        return yield* this.#captures.abort(message.capture)
      case 'openState':
        return yield* this.#openState(message.index, message.term)
      case 'readState':
        return yield* this.#readings.read(message.reading, message.offset, message.into)
      case 'closeState':
        return yield* this.#readings.close(message.reading)
      case 'openSnapshot':
        return yield* this.#opened.open(message.index, message.term)
      case 'readSnapshot':
        return yield* this.#opened.read(message.reading, message.offset, message.into)
      case 'closeSnapshot':
        return yield* this.#opened.close(message.reading)
      case 'beginRestore':
        return yield* this.#restores.begin(message)
      case 'writeRestore':
        return yield* this.#restores.write(message)
      case 'finishRestore':
        return yield* this.#restores.finish(message)
      case 'abortRestore':
        return yield* this.#restores.abort(message)
      case 'readChunk':
      case 'endTransfer':
      case 'storeChunk':
      case 'discard':
        return assert(false, 'the snapshot actor is not asked this', { kind: message.kind })
      default:
        return assertNever(message)
    }
  }

  *#openState(index: LogIndex, term: Term): Steps<StateOpened> {
    const { reading, meta } = yield* this.#readings.open(index, term)
    // The core has decided for it: from now on older ones may go.
    this.#library.settle(meta)
    yield* this.#library.prune()
    return { reading, size: meta.size, configuration: meta.configuration }
  }

  *#close(): Steps {
    yield* step(this.#codec.close())
    yield* step(this.#captures.abandon())
    yield* step(this.#receiver.abandon())
    yield* step(this.#restores.abandon())
    yield* step(this.#library.store.close())
  }

  #abandonFsm(): void {
    this.#readings.abandon()
    const abandoned = this.#captures.abandon()
    if (!isPromise(abandoned)) return
    abandoned.catch((error: unknown) => {
      this.#context.log.warn({ error: messageOf(error) }, 'an unfinished snapshot was not removed')
    })
  }

  #reply(reply: SnapshotReply): void {
    const consensus = this.#consensus
    assert(
      consensus !== null,
      'the snapshot actor is linked to consensus before it is told anything',
    )
    // The control lane is never refused for lack of room, and keeps these replies in order.
    consensus.control(reply)
  }
}
