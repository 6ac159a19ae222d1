import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileSnapshotStore } from '../../lib/snapshot/file-store.js'
import { FaultyFiles, systemError } from './support/faulty-files.js'
import { pattern, readAll, snapshotAt, write } from './support/snapshots.js'

async function openFaulty(t: Test) {
  const dataDir = t.testdir({})
  const files = new FaultyFiles()
  const warnings: string[] = []
  const warn = (_fields: object, message: string): void => void warnings.push(message)
  const store = new FileSnapshotStore({ chunkBytes: 1024 }, { nodeId: 'n1', dataDir, warn }, files)
  await store.open()
  files.calls.length = 0
  return { store, files, warnings, folder: join(dataDir, 'snapshots') }
}

t.test('a snapshot is flushed, renamed, and its directory flushed, in this order', async (t) => {
  const { store, files } = await openFaulty(t)
  await write(store, snapshotAt(4), pattern(10))
  const order = files.calls.filter((call) => /sync|rename|write/.test(call))
  const name = '00000000000000000001-00000000000000000004.snapshot.1.tmp'
  t.strictSame(order.slice(-3), [`sync ${name}`, `rename ${name}`, 'sync snapshots'])
  t.ok(order.slice(0, -3).every((call) => call === `write ${name}`))
})

t.test('of a large snapshot little is unflushed at any time', async (t) => {
  const { store, files } = await openFaulty(t)
  await write(store, snapshotAt(4), pattern(3 * 2 ** 20))
  let unflushed = 0
  let most = 0
  for (const call of files.calls) {
    if (call.startsWith('write')) unflushed++
    if (/sync .*snapshot/.test(call)) unflushed = 0
    most = Math.max(most, unflushed)
  }
  t.ok(most > 0 && most <= 1024, `${most} chunks of a KiB`)
  t.ok(files.calls.filter((call) => call.startsWith('datasync')).length >= 2)

  files.fault = (called) => {
    if (called === 'datasync') throw systemError('EIO', called)
  }
  const writer = await store.create(snapshotAt(5))
  await t.rejects(async () => writer.write(pattern(2 ** 21)), {
    code: 'RAFT_STORE_FAILED',
    message: /flush.*EIO/,
  })
  await writer.abort()
  t.equal(store.list().length, 1)
})

/** Writes to the file, chunk by chunk, then flush, close, rename, and the directory's flush. */
const stages = ['open', 'write', 'sync', 'close', 'rename'] as const

for (const operation of stages) {
  for (const errno of ['EIO', 'ENOSPC'] as const) {
    t.test(
      `${errno} in ${operation}: typed error, nothing left, the next one works (R-04, R-11)`,
      async (t) => {
        const { store, files, folder } = await openFaulty(t)
        files.fault = (called, path) => {
          if (called === operation && path.endsWith('.tmp')) throw systemError(errno, called)
        }
        const code = errno === 'ENOSPC' ? 'RAFT_STORAGE_FULL' : 'RAFT_STORE_FAILED'
        await t.rejects(attempt(store), { code, message: new RegExp(`00004\\.snapshot.*${errno}`) })
        files.fault = () => {}
        t.strictSame(await readdir(folder), [])
        t.strictSame(store.list(), [])
        t.match(await write(store, snapshotAt(4), pattern(10)), { index: 4 })
      },
    )
  }
}

async function attempt(store: FileSnapshotStore): Promise<void> {
  const writer = await store.create(snapshotAt(4))
  try {
    await writer.write(pattern(5000))
    await writer.commit()
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function failDirectorySync(files: FaultyFiles, errno: string): void {
  files.fault = (called, path) => {
    if (called === 'sync' && path.endsWith('snapshots')) throw systemError(errno, 'fsync')
  }
}

for (const errno of ['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EBADF']) {
  t.test(
    `a directory that cannot be flushed (${errno}) is tolerated with one warning (R-14)`,
    async (t) => {
      const { store, files, warnings } = await openFaulty(t)
      failDirectorySync(files, errno)
      t.ok(store.directoryFlushable)
      await write(store, snapshotAt(4), pattern(10))
      await write(store, snapshotAt(5), pattern(10))
      t.match(warnings, [/cannot flush directories/])
      t.notOk(store.directoryFlushable)
      t.equal(store.list().length, 2)
    },
  )
}

t.test('a directory whose flush fails really loses the snapshot, typed (R-14)', async (t) => {
  const { store, files, folder, warnings } = await openFaulty(t)
  failDirectorySync(files, 'EIO')
  await t.rejects(attempt(store), { code: 'RAFT_STORE_FAILED', message: /flush the directory/ })
  t.strictSame(store.list(), [])
  t.strictSame(await readdir(folder), [])
  t.strictSame(warnings, [])
})

t.test('a snapshot that replaces another survives a failed flush of the directory', async (t) => {
  const { store, files } = await openFaulty(t)
  await write(store, snapshotAt(4), pattern(10))
  failDirectorySync(files, 'EIO')
  await t.rejects(attempt(store))
  const [stored] = store.list()
  if (stored === undefined) throw new Error('the snapshot is gone')
  t.ok(await store.verify(stored))
  t.equal((await readAll(store, stored, 9000)).length, stored.size)
})

t.test('short writes are continued', async (t) => {
  const { store, files } = await openFaulty(t)
  files.maxWrite = 7
  const body = pattern(3000)
  const stored = await write(store, snapshotAt(4), body)
  t.ok(Buffer.from(body).equals(await readAll(store, stored, 999)))
})

t.test('a file that cannot be deleted is reported and stays listed', async (t) => {
  const { store, files } = await openFaulty(t)
  const stored = await write(store, snapshotAt(4), pattern(10))
  files.fault = (called) => {
    if (called === 'unlink') throw systemError('EBUSY', 'unlink')
  }
  await t.rejects(store.remove(stored), { code: 'RAFT_STORE_FAILED', message: /delete.*EBUSY/ })
  t.equal(store.list().length, 1)
})

t.test('a directory without permission is refused at the start (R-15)', async (t) => {
  const files = new FaultyFiles()
  files.fault = (called) => {
    if (called === 'rename') throw systemError('EACCES', 'rename')
  }
  const store = new FileSnapshotStore({}, { nodeId: 'n1', dataDir: t.testdir({}) }, files)
  await t.rejects(store.open(), { code: 'RAFT_STORE_FAILED', message: /must be a directory/ })
})

t.test('a disk error while the files are listed is no damage and stops the start', async (t) => {
  const { store, files } = await openFaulty(t)
  await write(store, snapshotAt(4), pattern(10))
  files.fault = (called) => {
    if (called === 'read') throw systemError('EIO', 'read')
  }
  await t.rejects(store.open(), { code: 'RAFT_STORE_FAILED', message: /EIO/ })
})
