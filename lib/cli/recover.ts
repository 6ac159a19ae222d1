import { Command, Option } from 'commander'
import { keyValueStateMachine } from '../kv/replica.js'
import { lmdbStore, storeOfDirectory } from '../log/stores.js'
import { readPeersJson } from '../node/peers-json.js'
import { RaftNode } from '../node/raft-node.js'
import type { RecoveryReport } from '../node/recovery-types.js'
import { noteLine, printLine } from './output.js'
import { formatTable } from './table.js'

interface RecoverFlags {
  readonly dir: string
  readonly peers: string
  readonly id?: string
  readonly cluster?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export function recoverCommand(): Command {
  return new Command('recover')
    .description('after the loss of a quorum: force the members of a cluster, on a stopped node')
    .addOption(
      new Option('--dir <path>', 'data directory of the stopped node')
        .env('TROUPE_DIR')
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--peers <file>',
      'the members from now on: ["host:port", ...] or [{"id", "address", "non_voter"}, ...]',
    )
    .option('--id <id>', 'refuse another node than this')
    .option('--cluster <name>', 'refuse another cluster than this')
    .option('--dry-run', 'say what would happen and change nothing')
    .option('--json', 'as JSON')
    .action(recover)
}

async function recover(flags: RecoverFlags): Promise<void> {
  const { dir, peers, id, cluster, dryRun = false, json } = flags
  const servers = await readPeersJson(peers)
  const report = await RaftNode.recover({
    dataDir: dir,
    ...(id !== undefined && { id }),
    ...(cluster !== undefined && { cluster }),
    store: storeOfDirectory(dir) ?? lmdbStore(),
    stateMachine: keyValueStateMachine(),
    servers,
    dryRun,
  })
  if (json === true) return printLine(JSON.stringify(report))
  printReport(report)
}

function printReport(report: RecoveryReport): void {
  const { cluster, id, already, dryRun, lastIndex, lastTerm, snapshot } = report
  const { assumedCommitted, before, after, generation } = report
  const from = snapshot === null ? 'nothing' : `the snapshot at index ${snapshot.index}`
  const entries =
    assumedCommitted === null
      ? 'no entries'
      : `entries ${assumedCommitted.from} to ${assumedCommitted.to}, all taken for committed`
  printLine(`node ${id} of cluster ${cluster}, last entry ${lastIndex} of term ${lastTerm}`)
  if (already) printLine('recovered with these servers before: nothing is left to do')
  else printLine(`state: ${from}, then ${entries}`)
  printLine(`generation: ${generation}`)
  const rows = [
    ...before.map((server) => ['before', server.id, server.suffrage, server.address]),
    ...after.map((server) => ['after', server.id, server.suffrage, server.address]),
  ]
  printLine(formatTable(['', 'ID', 'SUFFRAGE', 'RAFT'], rows))
  if (dryRun) return noteLine('dry run: nothing was changed')
  noteLine('Recover every node that is left with the same file, then start them.')
  noteLine('A member that was left behind comes back only with an empty directory.')
}
