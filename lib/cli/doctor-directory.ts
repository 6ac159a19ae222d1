import { existsSync } from 'node:fs'
import { diskOf } from '../kv/service-diagnostics.js'
import { decodeEntries, ENTRY_CONFIGURATION } from '../log/batch.js'
import { decodeConfiguration } from '../log/configuration-codec.js'
import { DataDirLockedError } from '../log/store.js'
import type { RaftConfig } from '../node/config.js'
import {
  diskFinding,
  type Finding,
  flushFinding,
  timeoutFinding,
  type Voting,
  voterFinding,
} from './doctor-checks.js'
import { Failure } from './failure.js'
import { probeFlushes } from './flush-probe.js'
import { OfflineDirectory } from './offline-directory.js'

const readBytes = 4 * 1024 * 1024

/** What can be said of a node from its directory alone. */
export async function directoryFindings(
  dir: string,
  config: RaftConfig,
): Promise<readonly Finding[]> {
  if (!existsSync(dir)) throw new Failure(`there is no directory ${dir}`)
  const flush = await probeFlushes(dir)
  const disk = await diskOf(dir)
  const measured = [flushFinding(dir, flush), timeoutFinding(dir, config, flush.p99Ms, 0)]
  try {
    const directory = await OfflineDirectory.open(dir)
    try {
      const { store, damage } = directory
      const voters = await votersIn(directory)
      return [
        ...measured,
        diskFinding(dir, disk, store.size()),
        {
          on: dir,
          check: 'log',
          result: damage === null ? 'ok' : 'fail',
          measured: damage === null ? rangeOf(directory) : damage.message,
          advice: damage === null ? '' : 'troupe log verify says what else is damaged',
        },
        ...(voters.length === 0 ? [] : [voterFinding(voters)]),
      ]
    } finally {
      await directory.close()
    }
  } catch (error) {
    return [...measured, diskFinding(dir, disk, null), unopened(dir, error)]
  }
}

/** A running node's directory is its own, and a directory without a node may become one. */
function unopened(dir: string, error: unknown): Finding {
  const [on, check] = [dir, 'log']
  if (error instanceof DataDirLockedError) {
    const advice = 'ask the node itself with --http'
    return { on, check, result: 'note', measured: 'in use by its node', advice }
  }
  if (error instanceof Failure) {
    return { on, check, result: 'note', measured: 'no node has been here', advice: '' }
  }
  throw error
}

function rangeOf({ log, identity }: OfflineDirectory): string {
  const owner = identity === null ? '' : `${identity.nodeId} of ${identity.cluster}: `
  return log === null ? owner : `${owner}${log.firstIndex}..${log.lastIndex}`
}

/** Of the newest configuration in the log or in a snapshot. */
async function votersIn(directory: OfflineDirectory): Promise<readonly Voting[]> {
  const { store, log } = directory
  let found: readonly Voting[] | null = null
  for (let index = log?.firstIndex ?? 1; index <= (log?.lastIndex ?? 0); ) {
    const batches = await store.read(index, log?.lastIndex ?? 0, readBytes)
    if (batches.length === 0) break
    for (const { bytes, lastIndex } of batches) {
      index = lastIndex + 1
      for (const { type, data } of decodeEntries(bytes)) {
        if (type === ENTRY_CONFIGURATION) found = decodeConfiguration(data).servers
      }
    }
  }
  const [newest] = await directory.snapshots()
  return found ?? newest?.file?.stored.configuration.configuration.servers ?? []
}
