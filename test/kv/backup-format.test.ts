import t from 'tap'
import {
  type BackupMeta,
  BackupReader,
  backupBytes,
  encodeBackup,
} from '../../lib/kv/backup-format.js'
import { SeededRandom } from '../helpers/seeded-random.js'

function metaOf(size: number): BackupMeta {
  const createdAt = '2026-01-01T00:00:00.000Z'
  const application = 'troupe-kv'
  return { application, cluster: 'c', node: 'n1', index: 7, term: 2, size, createdAt }
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function backupOf(state: Uint8Array, meta = metaOf(state.length)): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of encodeBackup(meta, inPieces(state, 70_001))) parts.push(part)
  return Buffer.concat(parts)
}

/** The state, or why it was refused, and how much of it had been given out by then. */
async function read(backup: Uint8Array, pieceBytes = 50_000) {
  const reader = new BackupReader(inPieces(backup, pieceBytes))
  const parts: Uint8Array[] = []
  try {
    const meta = await reader.meta()
    for await (const part of reader.state(meta)) parts.push(part)
    return { meta, state: Buffer.concat(parts), failure: null, given: 0 }
  } catch (error) {
    const given = parts.reduce((sum, { length }) => sum + length, 0)
    return { meta: null, state: null, failure: error as Error, given }
  }
}

t.test('a backup is read as it was written, and as long as was said', async (t) => {
  const random = new SeededRandom(1)
  for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1, 700_000]) {
    const state = random.bytes(size)
    const backup = await backupOf(state)
    t.equal(backup.length, backupBytes(metaOf(size)))
    const found = await read(backup)
    t.strictSame(found.meta, metaOf(size))
    t.ok(found.state?.equals(state), `${size} bytes`)
  }
})

t.test('cut short anywhere it is refused, and not all of its state was given out', async (t) => {
  const state = new SeededRandom(2).bytes(600_000)
  const backup = await backupOf(state)
  const cuts = [0, 1, 23, 24, 100, 300_000, backup.length - 30, backup.length - 24]
  for (const length of [...cuts, backup.length - 1]) {
    const { failure, given } = await read(backup.subarray(0, length))
    t.match(failure, { name: 'BackupError', message: /cut short/ }, `${length} bytes`)
    t.ok(given < state.length, 'never whole')
  }
})

t.test('any changed byte is found out, before the last of the state is given out', async (t) => {
  const random = new SeededRandom(3)
  const state = random.bytes(300_000)
  const backup = await backupOf(state)
  const edges = [0, 8, 12, 16, 20, 30, backup.length - 1, backup.length - 24, backup.length - 12]
  for (const at of [...edges, ...Array.from({ length: 60 }, () => random.below(backup.length))]) {
    const damaged = Buffer.from(backup)
    damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << random.below(8)), at)
    const { failure, given } = await read(damaged)
    t.equal(failure?.name, 'BackupError', `byte ${at}`)
    t.ok(given < state.length)
  }
})

t.test('bytes behind the trailer, or those of something else, are no backup', async (t) => {
  const backup = await backupOf(Buffer.from('state'))
  const more = await read(Buffer.concat([backup, Buffer.from('x')]))
  t.match(more.failure, { message: /bytes follow/ })
  t.match((await read(Buffer.alloc(100, 'x'))).failure, { message: /no backup of troupe/ })
  const other = { ...metaOf(5), application: 'other' } as unknown as BackupMeta
  const foreign = await read(await backupOf(Buffer.from('state'), other))
  t.match(foreign.failure, { message: /the state of other/ })
})

t.test('a state of another size than was said ends without a trailer', async (t) => {
  await t.rejects(backupOf(Buffer.from('state'), metaOf(6)), /6 bytes has given 5/)
})
