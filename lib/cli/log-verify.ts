import { basename } from 'node:path'
import { Command } from 'commander'
import { StoreCorruptError, type StoredLog } from '../log/store.js'
import { Failure } from './failure.js'
import { type FoundSnapshot, OfflineDirectory } from './offline-directory.js'
import { printLine } from './output.js'
import { ProgressLine } from './progress-line.js'
import { storedBatches } from './stored-batches.js'
import { formatTable } from './table.js'

/** One thing that was looked at. */
interface Finding {
  readonly what: string
  /** `worn`: one of two copies is damaged; the node repairs it when it writes the value again. */
  readonly result: 'ok' | 'worn' | 'damaged'
  readonly detail: string
  /** Where in the log the damage begins. */
  readonly index?: number
}

export function verifyCommand(): Command {
  return new Command('verify')
    .description('check every checksum in the data directory of a stopped node')
    .requiredOption('--dir <path>', 'its data directory')
    .option('--json', 'as JSON')
    .action(verify)
}

async function verify({ dir, json }: { readonly dir: string; readonly json?: boolean }) {
  const directory = await OfflineDirectory.open(dir)
  try {
    const findings = await findingsIn(directory)
    const bad = findings.filter(({ result }) => result === 'damaged')
    if (json === true) printLine(JSON.stringify({ ok: bad.length === 0, findings }))
    else {
      const rows = findings.map(({ what, result, detail }) => [what, result, detail])
      printLine(formatTable(['WHAT', 'RESULT', ''], rows))
    }
    if (bad.length === 0) return
    const what = bad.map((finding) => finding.what).join(', ')
    throw new Failure(`damage was found in ${what}`, { code: 'RAFT_CORRUPT' })
  } finally {
    await directory.close()
  }
}

async function findingsIn(directory: OfflineDirectory): Promise<readonly Finding[]> {
  const snapshots = await directory.snapshots()
  return [
    ...valueFindings(directory),
    await logFinding(directory),
    ...(await Promise.all(snapshots.map(snapshotFinding))),
    ...meetingFindings(directory, snapshots),
  ]
}

function valueFindings({ values, identity, hardState }: OfflineDirectory): readonly Finding[] {
  const details: Readonly<Record<string, string>> = {
    identity: identity === null ? '' : `node ${identity.nodeId} of cluster ${identity.cluster}`,
    'hard-state': hardState === null ? '' : `term ${hardState.term}`,
  }
  return values.flatMap(({ name, copies, damaged }): Finding[] => {
    if (copies === 0) return []
    const detail = details[name] ?? ''
    if (damaged === 0) return [{ what: name, result: 'ok', detail }]
    const result = damaged === copies ? 'damaged' : 'worn'
    return [{ what: name, result, detail: `${damaged} of ${copies} copies fail their checksum` }]
  })
}

async function logFinding({ store, log, damage }: OfflineDirectory): Promise<Finding> {
  if (log === null) return logDamage(damage)
  const line = new ProgressLine()
  const total = log.lastIndex - log.firstIndex + 1
  try {
    let [batches, bytes] = [0, 0]
    for await (const batch of storedBatches(store, log)) {
      batches++
      bytes += batch.bytes
      line.show('verify', batch.lastIndex - log.firstIndex + 1, total, 'entries')
    }
    const { voteFloor } = log
    const torn =
      voteFloor === undefined
        ? ''
        : `; a torn batch up to index ${voteFloor.index} is left out, and bars this node from leading until it is replicated past it`
    const detail = `${rangeOf(log)}: ${batches} batches, ${bytes} bytes${torn}`
    return { what: 'log', result: 'ok', detail }
  } catch (error) {
    if (error instanceof StoreCorruptError) return logDamage(error)
    throw error
  } finally {
    line.clear()
  }
}

function logDamage(error: StoreCorruptError | null): Finding {
  const detail = error?.message ?? 'it cannot be read'
  return { what: 'log', result: 'damaged', detail, index: error?.index ?? 0 }
}

async function snapshotFinding({ path, file, problem }: FoundSnapshot): Promise<Finding> {
  const what = basename(path)
  if (file === null) return { what, result: 'damaged', detail: problem ?? '' }
  const { index, term, size } = file.stored
  const detail = `index ${index}, term ${term}, ${size} bytes`
  if (await file.verify()) return { what, result: 'ok', detail }
  return { what, result: 'damaged', detail: `${detail}: its state fails a checksum` }
}

/** S5, S13: what must hold between the parts. */
function* meetingFindings(
  { log, hardState }: OfflineDirectory,
  snapshots: readonly FoundSnapshot[],
): Generator<Finding> {
  if (log === null) return
  const newest = snapshots[0]?.file?.stored
  const begins = log.firstIndex
  if (begins > 1 && (newest === undefined || newest.index < begins - 1)) {
    const detail = `the log begins at ${begins} and no snapshot reaches ${begins - 1}`
    yield { what: 'gap', result: 'damaged', detail, index: begins }
  }
  const term = hardState?.term ?? 0
  if (term < log.lastTerm) {
    const detail = `the log has term ${log.lastTerm}, the hard state term ${term}`
    yield { what: 'terms', result: 'damaged', detail, index: log.lastIndex }
  }
}

function rangeOf({ firstIndex, lastIndex }: StoredLog): string {
  return lastIndex < firstIndex ? `empty behind ${lastIndex}` : `${firstIndex}..${lastIndex}`
}
