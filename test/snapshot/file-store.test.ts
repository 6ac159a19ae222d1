import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileSnapshotStore } from '../../lib/snapshot/file-store.js'
import { loadSnapshotStore } from '../../lib/snapshot/load.js'
import { fileSnapshotStore } from '../../lib/snapshot/stores.js'
import { pattern, readAll, snapshotAt, write } from './support/snapshots.js'
import { storeContract } from './support/store-contract.js'

const NAME = '00000000000000000001-00000000000000000004.snapshot'

/** Chunks of 1 KiB, so that short states have several. */
function storeIn(dataDir: string, warn?: (fields: object, message: string) => void) {
  return new FileSnapshotStore(
    { chunkBytes: 1024 },
    { nodeId: 'n1', dataDir, ...(warn && { warn }) },
  )
}

async function flip(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
  await writeFile(path, bytes)
}

storeContract('file', (t) => {
  const dataDir = t.testdir({})
  return {
    open: async () => {
      const store = storeIn(dataDir)
      await store.open()
      return store
    },
    damage: async (index) => {
      const folder = join(dataDir, 'snapshots')
      const names = await readdir(folder)
      const name = names.find((file) => file.includes(`${index}.snapshot`)) ?? ''
      // The last byte before the trailer.
      await flip(join(folder, name), (await readFile(join(folder, name))).length - 33)
    },
  }
})

async function withSnapshot(t: Test) {
  const dataDir = t.testdir({})
  const store = storeIn(dataDir)
  await store.open()
  const stored = await write(store, snapshotAt(4), pattern(2500))
  return {
    dataDir,
    folder: join(dataDir, 'snapshots'),
    path: join(dataDir, 'snapshots', NAME),
    stored,
  }
}

t.test('an aborted snapshot leaves no file behind', async (t) => {
  const dataDir = t.testdir({})
  const store = storeIn(dataDir)
  await store.open()
  const writer = await store.create(snapshotAt(4))
  await writer.write(pattern(2500))
  await writer.abort()
  t.strictSame(await readdir(join(dataDir, 'snapshots')), [])
})

t.test('a name holds term and index in 20 digits each (R-08)', async (t) => {
  const { folder } = await withSnapshot(t)
  t.strictSame(await readdir(folder), [NAME])
})

t.test('what a file is comes from its metadata, not from its name (R-09)', async (t) => {
  const { dataDir, folder, path } = await withSnapshot(t)
  const renamed = join(folder, '99999999999999999999-99999999999999999999.snapshot')
  await rename(path, renamed)
  const store = storeIn(dataDir)
  await store.open()
  await write(store, snapshotAt(5), pattern(10))
  t.match(await storeIn(dataDir).open(), [{ index: 5 }, { index: 4 }])
})

t.test('leftovers of a crash are removed, files of others are not', async (t) => {
  const { dataDir, folder } = await withSnapshot(t)
  await writeFile(join(folder, `${NAME}.3.tmp`), 'half')
  await writeFile(join(folder, 'probe.tmp'), '')
  await writeFile(join(folder, 'notes.txt'), 'mine')
  t.match(await storeIn(dataDir).open(), [{ index: 4 }])
  t.strictSame((await readdir(folder)).sort(), [NAME, 'notes.txt'])
})

t.test('the 18 files of the report sort by number, and newest is newest (R-09)', async (t) => {
  const ids = [
    [9787, 159118266],
    [9600, 158000000],
    [985, 12118266],
    [10021, 161000000],
    [103852, 275330228],
    [103852, 275330227],
    [103851, 275330228],
    [99999, 270000000],
    [1, 2],
    [2, 1],
    [20, 3],
    [3, 20],
    [100, 9],
    [99, 10],
    [1000, 999],
    [999, 1000],
    [50000, 200000000],
    [7, 70],
  ] as const
  const dataDir = t.testdir({})
  const store = storeIn(dataDir)
  await store.open()
  for (const [term, index] of ids) await write(store, snapshotAt(index, term), new Uint8Array(0))
  const list = await storeIn(dataDir).open()
  t.equal(list.length, 18)
  t.match(list[0], { term: 103852, index: 275330228 })
  const sorted = [...ids].sort((a, b) => b[0] - a[0] || b[1] - a[1])
  t.strictSame(
    list.map(({ term, index }) => [term, index]),
    sorted,
  )
})

t.test('every flipped byte is noticed', async (t) => {
  const { dataDir, path, stored } = await withSnapshot(t)
  const good = await readFile(path)
  for (let offset = 0; offset < good.length; offset += offset < 64 ? 1 : 13) {
    await flip(path, offset)
    const store = storeIn(dataDir)
    const [found] = await store.open()
    const noticed = found === undefined || !(await store.verify(stored))
    if (!noticed) t.fail(`a flipped byte at ${offset} of ${good.length} went unnoticed`)
    await writeFile(path, good)
  }
  const whole = storeIn(dataDir)
  await whole.open()
  t.ok(await whole.verify(stored))
})

t.test('a file that was cut anywhere is not listed, and said to be damaged', async (t) => {
  const { dataDir, path } = await withSnapshot(t)
  const good = await readFile(path)
  for (const length of [0, 10, 63, 64, 200, 1500, good.length - 32, good.length - 1]) {
    await writeFile(path, good.subarray(0, length))
    const warnings: string[] = []
    const store = storeIn(dataDir, (_fields, message) => warnings.push(message))
    t.strictSame(await store.open(), [])
    t.match(warnings, [/damaged/], `cut to ${length}`)
  }
})

t.test('a file with something behind its end is damaged', async (t) => {
  const { dataDir, path } = await withSnapshot(t)
  await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('x')]))
  t.strictSame(await storeIn(dataDir).open(), [])
})

/** One full chunk with its header, and where the chunks begin. */
const CHUNK = 1024 + 8
const bodyStart = (file: Buffer): number => file.length - 32 - (2 * CHUNK + 2500 - 2048 + 8)

t.test('good chunks in another order are damage', async (t) => {
  const { dataDir, path, stored } = await withSnapshot(t)
  const good = await readFile(path)
  const start = bodyStart(good)
  const [first, second] = [good.subarray(start, start + CHUNK), good.subarray(start + CHUNK)]
  const swapped = [
    good.subarray(0, start),
    second.subarray(0, CHUNK),
    first,
    second.subarray(CHUNK),
  ]
  await writeFile(path, Buffer.concat(swapped))
  const store = storeIn(dataDir)
  t.match(await store.open(), [{ index: 4 }])
  t.notOk(await store.verify(stored))
})

t.test('a chunk missing between good ones is found when the file is listed', async (t) => {
  const { dataDir, path } = await withSnapshot(t)
  const good = await readFile(path)
  const start = bodyStart(good)
  await writeFile(path, Buffer.concat([good.subarray(0, start), good.subarray(start + CHUNK)]))
  t.strictSame(await storeIn(dataDir).open(), [])
})

t.test('damage behind what was asked for is found before any byte is handed out', async (t) => {
  const { dataDir, path, stored } = await withSnapshot(t)
  const store = storeIn(dataDir)
  await store.open()
  await flip(path, (await readFile(path)).length - 40)
  await t.rejects(store.read(stored, 0, 10), { code: 'RAFT_CORRUPT', message: /fails a checksum/ })
})

t.test('damage that comes after the check is found where it is read', async (t) => {
  const { dataDir, path, stored } = await withSnapshot(t)
  const store = storeIn(dataDir)
  await store.open()
  t.ok(await store.verify(stored))
  await flip(path, (await readFile(path)).length - 40)
  t.equal((await store.read(stored, 0, 1024)).length, 1024)
  await t.rejects(store.read(stored, 2048, 10), { code: 'RAFT_CORRUPT', message: /offset 2048/ })
})

t.test('a snapshot of a later version is not taken for damage of ours', async (t) => {
  const { dataDir, path } = await withSnapshot(t)
  const bytes = await readFile(path)
  const { crc32 } = await import('node:zlib')
  bytes.writeUInt16LE(2, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  await writeFile(path, bytes)
  const warnings: string[] = []
  await storeIn(dataDir, (_fields, message) => warnings.push(message)).open()
  t.match(warnings, [/expected version 1, found 2: a later release wrote it/])
})

t.test('the directory can be another one, and is made (R-15)', async (t) => {
  const root = t.testdir({})
  const directory = join(root, 'elsewhere', 'deep')
  const spec = structuredClone(fileSnapshotStore({ directory, chunkBytes: 512 }))
  const store = await loadSnapshotStore(spec, { nodeId: 'n1', dataDir: join(root, 'data') })
  await store.open()
  const stored = await write(store, snapshotAt(1), pattern(2000))
  t.ok(Buffer.from(pattern(2000)).equals(await readAll(store, stored, 700)))
  t.equal((await readdir(directory)).length, 1)
})

t.test('a path that is no directory says what is needed (R-15)', async (t) => {
  const dataDir = t.testdir({ snapshots: 'a file' })
  await t.rejects(storeIn(dataDir).open(), {
    code: 'RAFT_STORE_FAILED',
    message: /snapshots.*must be a directory.*create, flush, rename and delete/s,
  })
})

t.test('a snapshot store module that cannot be loaded says so', async (t) => {
  const context = { nodeId: 'n1', dataDir: '' }
  const load = async (module: string) => loadSnapshotStore({ module, options: null }, context)
  await t.rejects(load('file:///no/such/store.js'), { code: 'RAFT_MODULE_LOAD' })
  const other = new URL('../../lib/snapshot/order.js', import.meta.url).href
  await t.rejects(load(other), { code: 'RAFT_MODULE_LOAD', message: /createSnapshotStore/ })
})

t.test('a directory that is deleted while the store is open is made again', async (t) => {
  const { dataDir, folder } = await withSnapshot(t)
  const store = storeIn(dataDir)
  const [lost] = await store.open()
  if (lost === undefined) throw new Error('there is a snapshot')
  t.ok(await store.verify(lost))
  await rm(folder, { recursive: true })
  await t.rejects(store.verify(lost), { code: 'RAFT_STORE_FAILED', message: /ENOENT/ })
  await t.rejects(store.read(lost, 0, 10), { code: 'RAFT_STORE_FAILED' })
  const stored = await write(store, snapshotAt(4), pattern(3000, 2))
  t.ok(await store.verify(stored), 'the same one can be written again')
  t.match(await write(store, snapshotAt(5), pattern(10)), { index: 5 })
  await rm(folder, { recursive: true })
  await store.remove(stored)
  t.equal(store.list().length, 1, 'what is gone already can be removed')
})

t.test('a directory that cannot be made again gives a typed error', async (t) => {
  const { dataDir, folder } = await withSnapshot(t)
  const store = storeIn(dataDir)
  await store.open()
  await rm(folder, { recursive: true })
  await writeFile(folder, 'a file in its place')
  await t.rejects(store.create(snapshotAt(5)), {
    code: 'RAFT_STORE_FAILED',
    message: /must be a directory/,
  })
})

t.test('a file that is cut off or deleted after the start is no snapshot any more', async (t) => {
  const { dataDir, path, stored } = await withSnapshot(t)
  const store = storeIn(dataDir)
  await store.open()
  t.ok(await store.verify(stored))
  await writeFile(path, (await readFile(path)).subarray(0, -40))
  await t.rejects(store.verify(stored), { code: 'RAFT_CORRUPT' })
})

t.test('a directory that exists already is used', async (t) => {
  const dataDir = t.testdir({})
  await mkdir(join(dataDir, 'snapshots'))
  t.strictSame(await storeIn(dataDir).open(), [])
})
