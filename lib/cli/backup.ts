import { createReadStream } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { type BackupMeta, BackupReader } from '../kv/backup-format.js'
import { flushDirectory } from '../log/directory.js'
import { Failure } from './failure.js'
import { NodeClient } from './node-client.js'
import { type NodeFlags, nodeCommand, printAnswer } from './node-command.js'
import { noteLine } from './output.js'
import { ProgressLine } from './progress-line.js'

export function snapshotCommand(): Command {
  return nodeCommand('snapshot', 'let a node take a snapshot of its state now').action(
    async (flags: NodeFlags) => {
      const options = { method: 'POST', timeoutMs: Number.POSITIVE_INFINITY } as const
      const answer = await NodeClient.of(flags).json<Taken>('/snapshot', options)
      const { index, term, bytes } = answer
      printAnswer(answer, `snapshot of index ${index}, term ${term}: ${bytes} bytes`, flags.json)
    },
  )
}

interface Taken {
  readonly index: number
  readonly term: number
  readonly bytes: number
}

interface BackupFlags extends NodeFlags {
  readonly force?: boolean
}

export function backupCommand(): Command {
  return nodeCommand('backup', "save a node's state in a file, checked")
    .argument('<file>', 'where to')
    .option('--force', 'replace the file if there is one')
    .action(async (file: string, flags: BackupFlags) => {
      const path = resolve(file)
      const meta = await saveBackup(path, flags)
      const { index, term, size } = meta
      const words = `${file}: state of ${meta.cluster} at index ${index}, term ${term}, ${size} bytes, from ${meta.node}`
      printAnswer({ file: path, ...meta }, words, flags.json)
    })
}

/** The file has its name only once all of it is there, checked and flushed. */
async function saveBackup(path: string, flags: BackupFlags): Promise<BackupMeta> {
  const { force = false } = flags
  if (!force) await refuseExisting(path)
  const bytes = await NodeClient.of(flags).ask('/snapshot', { timeoutMs: Number.POSITIVE_INFINITY })
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'wx').catch((error) => {
    bytes.destroy()
    throw error
  })
  try {
    const meta = await checkBackup(written(bytes, file), 'backup')
    await file.sync()
    await file.close()
    await publish(temporary, path, force)
    return meta
  } finally {
    bytes.destroy()
    await file.close()
    await rm(temporary, { force: true })
  }
}

/** Each byte on its way to the check. */
async function* written(
  bytes: AsyncIterable<Uint8Array>,
  file: FileHandle,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const part of bytes) {
    await file.write(part)
    yield part
  }
}

/** Reads it to its end; `what` is done meanwhile, for people. @throws Failure when it is no whole backup. */
export async function checkBackup(
  bytes: AsyncIterable<Uint8Array>,
  what: string,
): Promise<BackupMeta> {
  const reader = new BackupReader(bytes)
  const line = new ProgressLine()
  let done = 0
  try {
    const meta = await reader.meta()
    for await (const { length } of reader.state(meta)) {
      done += length
      line.show(what, done, meta.size, 'bytes')
    }
    return meta
  } catch (error) {
    throw new Failure((error as Error).message, { code: 'RAFT_CORRUPT' })
  } finally {
    line.clear()
  }
}

async function publish(temporary: string, path: string, force: boolean): Promise<void> {
  if (force) await rename(temporary, path)
  else {
    // Unlike a rename, this fails when the file has come into being meanwhile.
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? exists(path) : error
    })
  }
  flushDirectory(dirname(path), noteLine)
}

async function refuseExisting(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => null)
  await file?.close()
  if (file !== null) throw exists(path)
}

function exists(path: string): Failure {
  return new Failure(`${path} exists; name another file, or replace it with --force`)
}

/** The bytes of a file. @throws Failure when it cannot be read. */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Failure(code === 'ENOENT' ? `there is no file ${path}` : message)
  }
}
