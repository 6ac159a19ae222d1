import { assert } from '../../lib/core/assert.js'
import type { IndexedConfiguration, LogIndex, Term } from '../../lib/core/types.js'
import { messageOf, StateMachineError } from '../../lib/fsm/errors.js'
import type { LoadedMachine } from '../../lib/fsm/load.js'
import type { SnapshotCapture } from '../../lib/fsm/state-machine.js'
import type { ActorContext, ActorRef } from '../../lib/runtime/actor.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { asError, toWireError } from '../../lib/runtime/wire-error.js'
import type { CaptureBegun, FsmLinkMessage } from '../snapshot/fsm-link.js'
import type { SnapshotMeta } from '../snapshot/protocol.js'
import { ChunkSink } from './chunk-sink.js'
import type { FsmMessage, FsmReply } from './protocol.js'

type TakeSnapshot = Extract<FsmMessage, { kind: 'takeSnapshot' }>

const CHUNK_BYTES = 256 * 1024
/** One is filled while the others are on their way to the snapshot actor. */
const MAX_CHUNKS = 5
/** So long may a state be written before the entries that have come meanwhile are applied. */
const MAX_WRITING_MS = 2

export interface SnapshotTakerOptions {
  readonly context: ActorContext
  /** What is captured: the state machine and the sessions beside it. */
  readonly machine: Pick<LoadedMachine, 'snapshot'>
  /** The snapshot actor. @throws when it is not there */
  readonly snapshots: () => ActorRef<FsmLinkMessage>
  readonly reply: (reply: FsmReply) => void
  /** One is durable, so long after it was begun. */
  readonly taken: (ms: number) => void
}

/** One attempt, from the request to its answer. */
interface Attempt {
  readonly request: number
  readonly index: LogIndex
  readonly term: Term
  readonly configuration: IndexedConfiguration
  readonly restored: boolean
  /** Monotonic ms. */
  readonly begunAt: number
  sink: ChunkSink | null
  cancelled: boolean
  /** Settles when nothing of the attempt is left. */
  over: Promise<void> | null
}

/**
 * Takes snapshots: the capture is one step between two applies, what it captured is written while
 * entries are applied. An attempt that fails in any way leaves nothing that hinders the next.
 */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions
  #running: Attempt | null = null
  /** The last index of the newest snapshot that this state machine made or came from. */
  #newest: LogIndex = 0

  constructor(options: SnapshotTakerOptions) {
    this.#options = options
  }

  /** A snapshot at `index` exists. */
  exists(index: LogIndex): void {
    this.#newest = Math.max(this.#newest, index)
  }

  /** (index, term): the last applied entry. Answers at once when it refuses, else when all is written. */
  *take(message: TakeSnapshot, index: LogIndex, term: Term | null): Steps {
    let attempt: Attempt | null = null
    try {
      attempt = this.#begin(message, index, term)
      this.#running = attempt
      const capture = yield* step(this.#options.machine.snapshot())
      attempt.over = this.#finish(attempt, capture)
    } catch (error) {
      if (attempt !== null) this.#running = null
      const { request } = message
      const failed = { request, index, term: term ?? 0, error: toWireError(error) }
      this.#options.reply({ kind: 'snapshotFailed', ...failed })
    }
  }

  /** The state machine ends: resolves when nothing uses what it captured any more. */
  cancel(): Promise<void> | void {
    const attempt = this.#running
    if (attempt === null) return
    attempt.cancelled = true
    attempt.sink?.cancel(closing())
    return attempt.over ?? undefined
  }

  #begin(message: TakeSnapshot, index: LogIndex, term: Term | null): Attempt {
    const { request, configurations, force = false, restored = false } = message
    if (this.#running !== null) {
      throw new StateMachineError(
        'RAFT_SNAPSHOT_IN_PROGRESS',
        `a snapshot at index ${this.#running.index} is still being written`,
      )
    }
    if (term === null || index === 0 || (index <= this.#newest && !force)) {
      throw new StateMachineError(
        'RAFT_NOTHING_TO_SNAPSHOT',
        `nothing was applied since index ${this.#newest}, which a snapshot already holds`,
        { details: { index, snapshotIndex: this.#newest } },
      )
    }
    const configuration = newestThrough(index, configurations)
    const what = { request, index, term, configuration, restored }
    const begunAt = this.#options.context.now()
    return { ...what, begunAt, sink: null, cancelled: false, over: null }
  }

  /** Runs beside the applies, not as a turn of the actor. */
  async #finish(attempt: Attempt, capture: SnapshotCapture): Promise<void> {
    const reply = await this.#write(attempt, capture)
    try {
      await capture?.release?.()
    } catch (error) {
      const { log } = this.#options.context
      log.warn({ error: messageOf(error) }, 'the state machine failed to release a snapshot')
    }
    this.#running = null
    if (attempt.cancelled) return
    this.#options.context.turn(() => {
      if (reply.kind === 'snapshotTaken') this.exists(reply.index)
      this.#options.reply(reply)
    })
  }

  async #write(attempt: Attempt, capture: SnapshotCapture): Promise<FsmReply> {
    const { request, index, term } = attempt
    try {
      const { size } = await this.#store(attempt, capture)
      this.#options.taken(this.#options.context.now() - attempt.begunAt)
      return { kind: 'snapshotTaken', request, index, term, bytes: size }
    } catch (error) {
      return { kind: 'snapshotFailed', request, index, term, error: toWireError(error) }
    }
  }

  async #store(attempt: Attempt, capture: SnapshotCapture): Promise<SnapshotMeta> {
    const { index, term, configuration, restored } = attempt
    const snapshots = this.#options.snapshots()
    const begun = await snapshots.ask<CaptureBegun>({
      kind: 'beginCapture',
      index,
      term,
      configuration,
      ...(restored && { restored }),
    })
    const written = { capture: begun.capture }
    const sink = new ChunkSink({
      send: (bytes) => snapshots.ask({ kind: 'writeCapture', ...written, bytes }),
      chunkBytes: CHUNK_BYTES,
      maxChunks: MAX_CHUNKS,
      rest: resting(this.#options.context),
    })
    attempt.sink = sink
    try {
      if (attempt.cancelled) throw closing()
      await capture.persist(sink)
      await sink.finish()
      return await snapshots.ask<SnapshotMeta>({ kind: 'commitCapture', ...written })
    } catch (error) {
      sink.cancel(asError(error))
      // Whoever hears of the failure finds nothing left of it. A snapshot actor that is gone removes what it
      // finds when it starts.
      await snapshots.ask({ kind: 'abortCapture', ...written }).catch(() => {})
      // What the store said is the reason, whatever persist made of it.
      throw sink.failure ?? error
    }
  }
}

/** S13: a pending change is above the index and does not block the snapshot. */
function newestThrough(
  index: LogIndex,
  configurations: readonly IndexedConfiguration[],
): IndexedConfiguration {
  let newest: IndexedConfiguration | undefined
  for (const candidate of configurations) {
    if (candidate.index > index) continue
    if (newest === undefined || candidate.index > newest.index) newest = candidate
  }
  assert(newest !== undefined, 'a configuration at or below the snapshot index is known', {
    index,
    known: configurations.map((configuration) => configuration.index),
  })
  return newest
}

/**
 * Answers of the snapshot actor that come while a chunk is written are taken before anything of another
 * actor, for as long as there are any. So now and then the event loop must go round.
 */
function resting(context: ActorContext): (goOn: () => void) => boolean {
  let since = context.now()
  return (goOn) => {
    if (context.now() - since < MAX_WRITING_MS) return false
    context.after(0, () => {
      since = context.now()
      goOn()
    })
    return true
  }
}

function closing(): StateMachineError {
  return new StateMachineError('RAFT_CLOSED', 'the state machine is closing')
}
