import { stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { BackupMeta } from '../kv/backup-format.js'
import { checkBackup, fileBytes } from './backup.js'
import { exitUsage, Failure } from './failure.js'
import { NodeClient } from './node-client.js'
import { type NodeFlags, nodeCommand, printAnswer } from './node-command.js'
import { ProgressLine } from './progress-line.js'

interface RestoreFlags extends NodeFlags {
  readonly yes?: boolean
}

interface Restored {
  readonly index: number
  readonly restored: { readonly index: number; readonly bytes: number }
}

export function restoreCommand(): Command {
  return nodeCommand('restore', 'replace the state of a cluster by that of a backup')
    .argument('<file>', 'made by troupe backup')
    .option('--yes', 'really: every key that is not in the backup is gone afterwards')
    .action(restoreFile)
}

async function restoreFile(file: string, flags: RestoreFlags): Promise<void> {
  const meta = await checkBackup(fileBytes(file), 'check')
  const leader = await leaderOf(NodeClient.of(flags))
  if (flags.yes !== true) throw unconfirmed(meta, leader.cluster)
  const answer = await send(file, leader.client)
  const { index, restored } = answer
  const words = `${leader.cluster} has the state of ${meta.cluster} at index ${restored.index}, ${restored.bytes} bytes (now index ${index})`
  printAnswer(answer, words, flags.json)
}

/** Only the leader restores, and what it takes is not sent twice. */
async function leaderOf(
  client: NodeClient,
): Promise<{ readonly cluster: string; readonly client: NodeClient }> {
  const { cluster, id, leader } = await client.status()
  if (leader === null) throw new Failure('no leader is known', { code: 'RAFT_NO_LEADER' })
  if (leader.id === id) return { cluster, client }
  if (leader.http !== null) return { cluster, client: client.at(leader.http) }
  const message = `only the leader restores: name the HTTP address of ${leader.id} with --http`
  throw new Failure(message, { code: 'RAFT_NOT_LEADER' })
}

function unconfirmed({ cluster, index, createdAt, size }: BackupMeta, target: string): Failure {
  return new Failure(
    `this replaces every key of ${target} by those of ${cluster} at index ${index}, saved ${createdAt}, ${size} bytes; say that you want it with --yes`,
    { exitCode: exitUsage },
  )
}

/** Sends the file once the node has asked for it; a refusal costs no upload. */
async function send(file: string, client: NodeClient): Promise<Restored> {
  const { size } = await stat(file)
  const headers = { 'content-type': 'application/octet-stream', 'content-length': size }
  const sent = { method: 'POST', headers, body: shown(fileBytes(file), size) }
  return JSON.parse(await text(await client.send('/restore', sent))) as Restored
}

/** The same bytes; how many have gone is shown meanwhile. */
async function* shown(
  bytes: AsyncIterable<Uint8Array>,
  total: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const line = new ProgressLine()
  let done = 0
  try {
    for await (const part of bytes) {
      yield part
      done += part.length
      line.show('restore', done, total, 'bytes')
    }
  } finally {
    line.clear()
  }
}
