import { copyOut } from '../../actors/log/copy-out.js'
import { scanLog } from '../../actors/log/log-scan.js'
import { type Identity, NodeState } from '../../actors/log/node-state.js'
import type { HardState, LogSummary } from '../core/types.js'
import type { BatchRef } from '../log/batch-ref.js'
import { loadStore } from '../log/load.js'
import { readSealed } from '../log/sealed-value.js'
import type { Store } from '../log/store.js'
import { now } from '../runtime/clock.js'
import { runSteps, type Steps, step } from '../runtime/steps.js'
import type { StoredSnapshot } from '../snapshot/store.js'
import { RaftError } from './errors.js'
import { noInitialState, type ResolvedOffline } from './offline-options.js'

const READ_BYTES = 4 * 1024 * 1024

/** The log and the small facts of a node that does not run. Its directory is locked as long as it is open. */
export class OfflineLog {
  readonly identity: Identity
  readonly summary: LogSummary
  readonly #store: Store
  readonly #state: NodeState

  private constructor(store: Store, state: NodeState, summary: LogSummary) {
    this.#store = store
    this.#state = state
    this.identity = state.identity
    this.summary = summary
  }

  /** @throws DataDirLockedError, DataDirForeignError, StoreCorruptError; RaftError when nothing is there */
  static async open(options: ResolvedOffline): Promise<OfflineLog> {
    const { dataDir, store: spec, logger, id = '' } = options
    const warn = (message: string): void => logger?.warn({}, message)
    const store = await loadStore(spec, { nodeId: id, dataDir, now, warn })
    try {
      return await runSteps(read(store, options))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  static of(store: Store, state: NodeState, summary: LogSummary): OfflineLog {
    return new OfflineLog(store, state, summary)
  }

  get hardState(): HardState {
    return this.#state.hardState
  }

  /** Whether what comes after the snapshot is in this log. @throws RaftError RAFT_CORRUPT on a gap (S13) */
  follows(snapshot: StoredSnapshot | null): boolean {
    const { firstIndex, lastIndex, prevTerm, termRuns } = this.summary
    const base = firstIndex - 1
    const [index, term] = [snapshot?.index ?? 0, snapshot?.term ?? 0]
    const { undone } = this.hardState
    if (undone?.index === base && undone.term === prevTerm) return false
    if (index < base) throw gap(firstIndex, index)
    if (index > lastIndex) return false
    const run = termRuns.findLast((one) => one.firstIndex <= index)
    return term === (index === base ? prevTerm : run?.term)
  }

  /** Whole batches from the one that holds `fromIndex`. */
  async read(fromIndex: number): Promise<readonly BatchRef[]> {
    const stored = await this.#store.read(fromIndex, this.summary.lastIndex, READ_BYTES)
    return copyOut(stored).batches
  }

  /** The log goes on behind (index, term); what is known of others and of a torn batch is forgotten (S16). */
  async empty(index: number, term: number): Promise<void> {
    await runSteps(this.#state.saveIncarnations({}))
    await runSteps(this.#state.saveVoteFloor(null))
    await this.#store.reset(index, term)
    await this.#store.flush()
  }

  async close(): Promise<void> {
    await this.#store.close()
  }
}

function* read(store: Store, { cluster, id }: ResolvedOffline): Steps<OfflineLog> {
  const stored = yield* step(store.recover())
  const bytes = yield* readSealed((key) => store.get(key), 'identity')
  if (bytes === null) throw noInitialState('the store belongs to nobody')
  const identity = JSON.parse(new TextDecoder().decode(bytes)) as Identity
  const owner = { cluster: cluster ?? identity.cluster, nodeId: id ?? identity.nodeId }
  const state = yield* NodeState.load(store, owner, false, () => identity.incarnation)
  const { summary } = yield* scanLog(store, stored, READ_BYTES)
  return OfflineLog.of(store, state, summary)
}

function gap(logBegins: number, snapshotIndex: number): RaftError {
  return new RaftError(
    'RAFT_CORRUPT',
    `the log begins at index ${logBegins} and the newest readable snapshot ends at ${snapshotIndex}: ` +
      'entries between them are missing; recover another node',
    { details: { logBegins, snapshotIndex } },
  )
}
