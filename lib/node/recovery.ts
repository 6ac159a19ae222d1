import { existsSync, readdirSync } from 'node:fs'
import { FIRST_GENERATION } from '../core/types.js'
import { checkServers } from './bootstrap-list.js'
import { OfflineLog } from './offline-log.js'
import { noInitialState, type ResolvedOffline, resolveOffline } from './offline-options.js'
import { OfflineState } from './offline-state.js'
import { planRecovery } from './recovery-plan.js'
import type { RecoveredServer, RecoverOptions, RecoveryReport } from './recovery-types.js'
import { startError } from './start-node.js'

/**
 * Recovery after the loss of a quorum. Nobody is left who could agree on new members, so they are forced, on
 * each of the nodes that are left, while it does not run:
 *
 * 1. The log behind the newest good snapshot is replayed as if all of it were committed.
 * 2. A snapshot at the last entry (X, T) is written, with the forced configuration.
 * 3. The log is emptied.
 *
 * A crash in between leaves the log or the snapshot or both; run again, it goes on where it was.
 *
 * Two dangers, and what meets them:
 *
 * - Nodes recovered one by one may not end at the same entry, and some may hold entries that the others
 *   never had. So the snapshot counts as a restored one (lib/core/uncertain.ts): it is an entry of term T
 *   which is committed once the recovered cluster says so. Whoever is behind takes the snapshot of the one
 *   that is elected, which holds the most.
 * - Members that were left behind may come back with their data, and may be a quorum of the old
 *   configuration, which to them is in force. So the forced configuration begins a new generation of the
 *   cluster; it is in every handshake, and a node that holds data of another generation is turned away with
 *   RAFT_CLUSTER_MISMATCH. It comes back when it is recovered with the same servers, or empty. The
 *   generation follows from the former one and the servers, so that nodes recovered apart agree on it if
 *   they were told the same.
 *
 * The incarnations of other members are forgotten: who comes back empty has lost nothing that counts.
 * @throws RaftError RAFT_NOT_BOOTSTRAPPED ("no initial state"), RAFT_CONFIG_INVALID, RAFT_DATA_DIR_LOCKED,
 * RAFT_DATA_DIR_FOREIGN, RAFT_CORRUPT, RAFT_STATE_MACHINE_FAILED, RAFT_MODULE_LOAD, RAFT_STORE_FAILED
 */
export async function recover(options: RecoverOptions): Promise<RecoveryReport> {
  const resolved = resolveOffline(options)
  // Before anything is opened, which would make what is not there.
  refuseEmptyDirectory(resolved)
  try {
    const log = await OfflineLog.open(resolved)
    try {
      return await recoverWith(resolved, log)
    } finally {
      await log.close()
    }
  } catch (error) {
    throw startError(error)
  }
}

async function recoverWith(options: ResolvedOffline, log: OfflineLog): Promise<RecoveryReport> {
  const { cluster, nodeId } = log.identity
  checkServers(options.servers, nodeId, 'servers')
  const state = await OfflineState.open(options, log.identity)
  try {
    const snapshot = await state.newest(log.hardState)
    const plan = planRecovery(options, log, snapshot)
    const { before, after, already, base } = plan
    const { lastIndex, lastTerm } = plan
    if (!options.dryRun) {
      if (!already) await state.replay(log, base, plan)
      await log.empty(lastIndex, lastTerm)
    }
    const from = (base?.index ?? 0) + 1
    return {
      dryRun: options.dryRun,
      cluster,
      id: nodeId,
      already,
      lastIndex,
      lastTerm,
      snapshot: base === null ? null : { index: base.index, term: base.term },
      assumedCommitted: already || from > lastIndex ? null : { from, to: lastIndex },
      before: before.servers.map(named),
      after: after.configuration.servers.map(named),
      generation: after.configuration.generation ?? FIRST_GENERATION,
    }
  } finally {
    await state.close()
  }
}

function refuseEmptyDirectory({ dataDir, store }: ResolvedOffline): void {
  if (store.create !== undefined) return
  if (!existsSync(dataDir)) throw noInitialState(`${dataDir} does not exist`)
  if (readdirSync(dataDir).length === 0) throw noInitialState(`${dataDir} is empty`)
}

function named({ id, address, suffrage }: RecoveredServer): RecoveredServer {
  return { id, address, suffrage }
}
