import type { HardState } from '../../lib/core/types.js'
import { ENTRY_CONFIGURATION, encodeBatch } from '../../lib/log/batch.js'
import { encodeConfiguration } from '../../lib/log/configuration-codec.js'
import { batchBytes } from '../../lib/log/slab.js'
import type { Store, StoredLog } from '../../lib/log/store.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { type ScannedLog, scanLog } from './log-scan.js'
import { type BootstrapRecord, NodeState, type VoteFloor } from './node-state.js'
import type { LogInit, RecoveredLog } from './protocol.js'

/** An open store and what was found in it. */
export interface OpenLog {
  readonly store: Store
  readonly state: NodeState
  readonly stored: StoredLog
  readonly scanned: ScannedLog
}

export function* openLog(store: Store, init: LogInit, context: ActorContext): Steps<OpenLog> {
  let stored = yield* step(store.recover())
  const state = yield* NodeState.load(store, init, isEmpty(stored), () => drawIncarnation(context))
  const { bootstrap, hardState } = state
  if (bootstrap !== null && isEmpty(stored) && isUnused(hardState, bootstrap)) {
    stored = yield* writeBootstrap(store, bootstrap)
  }
  if (stored.voteFloor !== undefined) {
    const { index, term } = stored.voteFloor
    context.log.warn(
      { index, term, lastIndex: stored.lastIndex },
      'the last batch of the log is torn and was left out; until the log is replicated past it this node does not campaign',
    )
    yield* state.saveVoteFloor(laterOf(stored.voteFloor, state.voteFloor))
  }
  const { summary, lastTime } = yield* scanLog(store, stored, init.maxReadBytes)
  return {
    store,
    state,
    stored,
    scanned: { summary: withFloor(summary, state.voteFloor), lastTime },
  }
}

/** Makes the record's configuration the first entry of an empty log; durable when it returns. */
export function* writeBootstrap(store: Store, record: BootstrapRecord): Steps<StoredLog> {
  const { configuration, index } = record.configuration
  const { term, time } = record
  const data = encodeConfiguration(configuration)
  const head = { firstIndex: index, term, prevTerm: 0, time }
  const bytes = batchBytes(encodeBatch([{ type: ENTRY_CONFIGURATION, data }], head))
  yield* step(store.append([{ firstIndex: index, lastIndex: index, term, bytes }]))
  yield* step(store.flush())
  return { firstIndex: index, lastIndex: index, prevTerm: 0, lastTerm: term }
}

/** What `recovered` answers. */
export function recoveredLog(state: NodeState, scanned: ScannedLog): RecoveredLog {
  const { identity, hardState, incarnations, bootstrap } = state
  const { summary, lastTime } = scanned
  return {
    identity,
    // S16: nothing was ever promised from this directory.
    fresh: hardState.term === 0 && bootstrap === null && isEmpty(summary),
    hardState,
    log: summary,
    incarnations,
    lastTime,
    bootstrap: bootstrap?.configuration ?? null,
  }
}

/** Bootstrap was asked of a directory that has state. */
export class NotEmptyError extends Error {
  readonly code = 'RAFT_BOOTSTRAP_MISMATCH'
  override readonly name = 'NotEmptyError'

  constructor() {
    super('the data directory has state; only an empty one is bootstrapped')
  }
}

function isEmpty(log: { readonly firstIndex: number; readonly lastIndex: number }): boolean {
  return log.firstIndex === 1 && log.lastIndex === 0
}

/** Nothing happened since the bootstrap record was written: its entry is owed. */
function isUnused(hardState: HardState, bootstrap: BootstrapRecord): boolean {
  return hardState.term === bootstrap.term && hardState.votedFor === null
}

/** S15: the floor counts as long as the log is not past it. */
export function isPast(
  log: { readonly index: number; readonly term: number },
  floor: VoteFloor,
): boolean {
  return log.term > floor.term || (log.term === floor.term && log.index >= floor.index)
}

function withFloor(summary: ScannedLog['summary'], floor: VoteFloor | null): ScannedLog['summary'] {
  const last = { index: summary.lastIndex, term: summary.lastTerm }
  return floor === null || isPast(last, floor) ? summary : { ...summary, voteFloor: floor }
}

function laterOf(found: VoteFloor, saved: VoteFloor | null): VoteFloor {
  return saved !== null && isPast(saved, found) ? saved : found
}

/** 128 random bits: no two directories ever get the same (S16). */
function drawIncarnation(context: ActorContext): string {
  const word = (): string =>
    Math.floor(context.random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
  return word() + word() + word() + word()
}
