import { assert, assertNever } from '../../lib/core/assert.js'
import type { LogIndex, Term } from '../../lib/core/types.js'
import { messageOf, StateMachineError } from '../../lib/fsm/errors.js'
import { type LoadedMachine, loadStateMachine } from '../../lib/fsm/load.js'
import type { ActorContext, ActorRef, Behavior, CreateActor } from '../../lib/runtime/actor.js'
import { runSteps, type Steps, step } from '../../lib/runtime/steps.js'
import { ProgressMeter } from '../../lib/snapshot/progress-meter.js'
import type { FsmLinkMessage } from '../snapshot/fsm-link.js'
import { Applier } from './applier.js'
import { Courier } from './courier.js'
import { EntrySource } from './entry-source.js'
import { fsmFigures } from './figures.js'
import type { FsmInit, FsmMessage, FsmReply, LastApplied } from './protocol.js'
import { answerQueries } from './queries.js'
import { Repetitions } from './sessions/repetitions.js'
import { splitState } from './sessions/state-section.js'
import { decodeTables } from './sessions/table-codec.js'
import { WholeState } from './sessions/whole-state.js'
import { SnapshotTaker } from './snapshot-taker.js'
import { StateReader } from './state-reader.js'

type Restore = Extract<FsmMessage, { kind: 'restore' }>

export const createActor: CreateActor<FsmInit, FsmMessage> = (init, context) =>
  runSteps(create(init, context))

function* create(init: FsmInit, context: ActorContext): Steps<FsmActor> {
  const closing = new AbortController()
  const { nodeId, dataDir, stateMachine } = init
  const loaded = yield* step(
    loadStateMachine(stateMachine, {
      nodeId,
      dataDir,
      logger: context.log,
      signal: closing.signal,
    }),
  )
  const { machine, codec } = loaded
  const inline = stateMachine.create !== undefined
  const courier = new Courier(inline)
  const applier = new Applier({
    machine,
    source: new EntrySource(stateMachine, codec, init.overwriteBorrowed ?? inline),
    courier,
    maxApplyEntries: init.maxApplyEntries,
    maxApplyBytes: init.maxApplyBytes,
    lastApplied: yield* ownLastApplied(machine),
  })
  return new FsmActor(context, machine, applier, courier, closing, fsmFigures(init.figures))
}

/** What a machine that keeps its own state on disk already holds. */
function* ownLastApplied(machine: LoadedMachine): Steps<number> {
  if (machine.lastApplied === undefined) return 0
  const index = yield* step(machine.lastApplied())
  if (Number.isSafeInteger(index) && index >= 0) return index
  throw new StateMachineError(
    'RAFT_STATE_MACHINE_FAILED',
    `lastApplied() of the state machine returned ${String(index)}: expected the index of an entry, or 0`,
    { details: { stage: 'lastApplied' } },
  )
}

class FsmActor implements Behavior<FsmMessage> {
  readonly #context: ActorContext
  readonly #machine: LoadedMachine
  readonly #applier: Applier
  readonly #courier: Courier
  readonly #taker: SnapshotTaker
  readonly #closing: AbortController
  readonly #figures: ReturnType<typeof fsmFigures>
  #consensus: ActorRef<FsmReply> | null = null
  /** What the consensus actor calls this one; 0: it has not said so yet. */
  #life = 0
  #snapshots: ActorRef<FsmLinkMessage> | null = null

  constructor(
    context: ActorContext,
    machine: LoadedMachine,
    applier: Applier,
    courier: Courier,
    closing: AbortController,
    figures: ReturnType<typeof fsmFigures>,
  ) {
    this.#context = context
    this.#machine = machine
    this.#applier = applier
    this.#courier = courier
    this.#closing = closing
    this.#figures = figures
    this.#taker = new SnapshotTaker({
      context,
      machine: new WholeState(machine, applier),
      snapshots: () => this.#linkedSnapshots(),
      reply: (reply) => this.#reply(reply),
      taken: (ms) => {
        figures.add('snapshots')
        figures.record('snapshotMs', ms)
      },
    })
  }

  linked(name: string, ref: ActorRef): void {
    if (name === 'consensus') {
      this.#consensus = ref as ActorRef<FsmReply>
      // Its `begin` comes another way, and may have come first.
      if (this.#life > 0) this.#ready()
    }
    if (name === 'snapshot') this.#snapshots = ref as ActorRef<FsmLinkMessage>
  }

  unlinked(name: string): void {
    if (name === 'consensus') this.#consensus = null
    if (name === 'snapshot') this.#snapshots = null
  }

  receive(message: FsmMessage): void | Promise<void> {
    return runSteps(this.#handle(message))
  }

  answer(message: FsmMessage): LastApplied {
    assert(message.kind === 'lastApplied', 'the FSM actor is not asked this', {
      kind: message.kind,
    })
    const own = this.#machine.lastApplied !== undefined
    return { lastApplied: own ? this.#applier.lastApplied : null }
  }

  stop(): void | Promise<void> {
    this.#closing.abort()
    return runSteps(this.#close())
  }

  *#close(): Steps {
    yield* step(this.#taker.cancel())
    yield* step(this.#machine.close?.())
  }

  *#handle(message: FsmMessage): Steps {
    const applier = this.#applier
    switch (message.kind) {
      case 'begin':
        this.#life = message.life
        if (this.#consensus !== null) this.#ready()
        return
      case 'apply': {
        const startedAt = this.#context.now()
        const before = applier.lastApplied
        const results = yield* applier.apply(message)
        this.#reply({ kind: 'applied', life: this.#life, toIndex: message.toIndex, results })
        return this.#count(applier.lastApplied - before, startedAt)
      }
      case 'query': {
        const startedAt = this.#context.now()
        const items = yield* answerQueries(this.#machine, message.items, this.#courier)
        this.#reply({ kind: 'queried', life: this.#life, index: applier.lastApplied, items })
        this.#figures.add('queries', items.length)
        this.#figures.record('queryMs', this.#context.now() - startedAt)
        return
      }
      case 'takeSnapshot':
        return yield* this.#taker.take(message, applier.lastApplied, applier.lastTerm)
      case 'restore':
        return yield* this.#restore(message)
      case 'lastApplied':
        // It is asked, never told.
        return
      default:
        assertNever(message)
    }
  }

  #ready(): void {
    // Whatever the machine holds by itself, the sessions beside it are read from snapshot and log.
    this.#reply({ kind: 'fsmReady', life: this.#life, lastApplied: this.#applier.seen })
  }

  #count(entries: number, startedAt: number): void {
    this.#figures.add('appliedEntries', entries)
    this.#figures.record('applyEntries', entries)
    this.#figures.record('applyMs', this.#context.now() - startedAt)
  }

  /** @throws StateMachineError RAFT_STATE_MACHINE_FAILED: the node must not go on with this state. */
  *#restore(message: Restore): Steps {
    const { index, term } = message
    // One that was fed past the snapshot holds it already.
    let bytes: number | null = null
    if (index > this.#applier.seen) {
      const startedAt = this.#context.now()
      try {
        bytes = yield* this.#load(message)
      } catch (error) {
        throw restoreFailed(index, term, error)
      }
      this.#figures.add('restores')
      this.#figures.add('restoredBytes', bytes ?? 0)
      this.#figures.record('restoreMs', this.#context.now() - startedAt)
    }
    this.#taker.exists(index)
    this.#reply({ kind: 'restored', life: this.#life, index, term, bytes })
  }

  /** Returns the bytes of state, or null when the machine has held it. */
  *#load({ index, term, skip = false, undone = Infinity }: Restore): Steps<number | null> {
    const applier = this.#applier
    if (skip && index > applier.lastApplied) applier.moveTo(index, term)
    // A machine that keeps its own state on disk may be past the snapshot; its sessions are not.
    const held = index <= applier.lastApplied && applier.lastApplied < undone
    const meter = new ProgressMeter(
      () => this.#context.now(),
      (done, total) => this.#reply({ kind: 'restoring', done, total }),
    )
    const reader = yield* step(StateReader.open(this.#linkedSnapshots(), index, term, meter))
    let tables: Uint8Array | null
    try {
      const state = yield* step(splitState(reader.chunks()))
      tables = state.tables
      if (!held) yield* step(this.#machine.restore(state.machine))
    } catch (error) {
      throw reader.failure ?? error
    } finally {
      reader.close()
    }
    // A machine that took a broken stream for the end of the state does not hold the snapshot.
    if (reader.failure !== null) throw reader.failure
    if (!held || index === applier.lastApplied) applier.moveTo(index, term)
    applier.replaceTables(tables === null ? new Repetitions() : decodeTables(tables), index)
    if (held) return null
    // Configurations below the snapshot are in the log no more: the newest of them came with it (S13).
    const { index: configured, configuration } = reader.configuration
    yield* step(this.#machine.configurationChanged?.(configured, configuration.servers))
    return reader.size
  }

  #linkedSnapshots(): ActorRef<FsmLinkMessage> {
    if (this.#snapshots !== null) return this.#snapshots
    throw new StateMachineError('RAFT_CLOSED', 'the snapshot actor is not running: try again')
  }

  #reply(reply: FsmReply): void {
    const consensus = this.#consensus
    assert(consensus !== null, 'the FSM actor is linked to consensus before it is told anything')
    // The control lane is never refused for lack of room, and keeps these replies in order.
    consensus.control(reply)
  }
}

function restoreFailed(index: LogIndex, term: Term, cause: unknown): StateMachineError {
  // Without the snapshot actor nothing is known of this state: the index has not failed (S14).
  const absent = cause instanceof Error && 'code' in cause && ABSENT.has(cause.code)
  const where = absent ? { snapshotIndex: index } : { index }
  return new StateMachineError(
    'RAFT_STATE_MACHINE_FAILED',
    `the state machine could not be restored from the snapshot at index ${index} of term ${term}: ${messageOf(cause)}`,
    { details: { ...where, term, stage: 'restore' }, cause },
  )
}

/** The snapshot actor is not linked, or has gone while it was asked. */
const ABSENT: ReadonlySet<unknown> = new Set(['RAFT_CLOSED', 'ACTOR_GONE'])
