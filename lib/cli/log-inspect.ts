import { Command } from 'commander'
import { OfflineDirectory } from './offline-directory.js'
import { wholeNumber } from './option-values.js'
import { printLine } from './output.js'
import { type BatchSummary, storedBatches } from './stored-batches.js'
import { formatTable } from './table.js'

interface InspectFlags {
  readonly dir: string
  readonly from?: number
  readonly to?: number
  readonly json?: boolean
}

const index = wholeNumber(1, Number.MAX_SAFE_INTEGER)

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('list what the log of a stopped node holds')
    .requiredOption('--dir <path>', 'its data directory')
    .option('--from <index>', 'only what holds this index or a later one', index)
    .option('--to <index>', 'only what holds this index or an earlier one', index)
    .option('--json', 'one JSON object a line')
    .action(inspect)
}

async function inspect({ dir, from, to, json = false }: InspectFlags): Promise<void> {
  const directory = await OfflineDirectory.open(dir)
  try {
    const { damage, log } = directory
    if (damage !== null || log === null) throw damage
    const head = await headOf(directory)
    if (json) printLine(JSON.stringify({ kind: 'node', ...head }))
    else for (const line of inWords(head)) printLine(line)
    const rows: string[][] = []
    for await (const batch of storedBatches(directory.store, log, { from, to })) {
      if (json) printLine(JSON.stringify({ kind: 'batch', ...batch }))
      else rows.push(rowOf(batch))
    }
    const columns = ['FIRST', 'LAST', 'COUNT', 'TERM', 'TIME', 'KINDS', 'BYTES']
    if (!json) printLine(`\n${formatTable(columns, rows)}`)
  } finally {
    await directory.close()
  }
}

type Head = Awaited<ReturnType<typeof headOf>>

async function headOf(directory: OfflineDirectory) {
  const { identity, hardState, log } = directory
  const snapshots = await directory.snapshots()
  return {
    identity,
    hardState,
    log,
    snapshots: snapshots.flatMap(({ file }) => {
      if (file === null) return []
      const { index, term, size, configuration } = file.stored
      return [{ index, term, size, members: configuration.configuration.servers }]
    }),
  }
}

function* inWords({ identity, hardState, log, snapshots }: Head): Generator<string> {
  if (identity !== null) {
    yield `node ${identity.nodeId} of cluster ${identity.cluster}, incarnation ${identity.incarnation}`
  }
  if (hardState !== null) {
    yield `term ${hardState.term}, voted for ${hardState.votedFor ?? 'nobody'}`
  }
  if (log !== null) {
    const { firstIndex, lastIndex, lastTerm, voteFloor } = log
    const range =
      lastIndex < firstIndex ? `empty behind ${lastIndex}` : `${firstIndex}..${lastIndex}`
    yield `log ${range}, last term ${lastTerm}`
    if (voteFloor !== undefined) {
      yield `a torn batch up to index ${voteFloor.index} of term ${voteFloor.term} is left out`
    }
  }
  for (const { index, term, size, members } of snapshots) {
    const ids = members.map(({ id }) => id).join(', ')
    yield `snapshot of index ${index}, term ${term}, ${size} bytes, members ${ids}`
  }
}

function rowOf(batch: BatchSummary): string[] {
  const { firstIndex, lastIndex, count, term, time, kinds, bytes } = batch
  const parts = Object.entries(kinds).map(([name, n]) => (n === count ? name : `${name} ${n}`))
  const at = time === 0 ? '-' : new Date(time).toISOString()
  return [firstIndex, lastIndex, count, term, at, parts.join(', '), bytes].map(String)
}
