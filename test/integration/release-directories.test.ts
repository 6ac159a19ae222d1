import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { KvListAnswer } from '../../lib/kv/kv-queries.js'
import { loadStore } from '../../lib/log/load.js'
import { sealed } from '../../lib/log/sealed-value.js'
import { once, put, startOn, stores } from '../fixtures/release-directories.js'

const kept = fileURLToPath(new URL('../../../test/fixtures/directories', import.meta.url))
const names = Object.keys(stores) as readonly (keyof typeof stores)[]

function copyOf(t: Test, release: string, name: string): string {
  const directory = join(t.testdir({}), 'data')
  cpSync(join(kept, release, name), directory, { recursive: true })
  return directory
}

for (const release of readdirSync(kept)) {
  for (const name of names) {
    t.test(`the ${name} directory of release ${release} is opened and goes on`, async (t) => {
      const directory = copyOf(t, release, name)
      const node = await startOn(directory, stores[name]())
      t.teardown(() => node.close())
      await node.waitFor({ leader: true })
      const { result } = await node.query({
        kind: 'list',
        prefix: '',
        after: null,
        limit: 9,
        values: true,
      })
      const { items } = result as KvListAnswer
      t.same(
        items.map(({ key, value }) => `${key}=${Buffer.from(value ?? [])}`),
        ['batch=four', 'in-log=three', 'in-snapshot=one', 'last=five', 'once=two'],
      )
      const { term, snapshotIndex, lastLogIndex } = node.stats()
      t.ok(term > 1 && snapshotIndex > 0 && lastLogIndex > snapshotIndex, 'all of it was read')
      // Known still, or forgotten by now: it depends on the day.
      await node.apply(put('once', 'two'), once)
      await node.apply(put('new', 'six'))
      await node.snapshot()
    })
  }
}

const newest = readdirSync(kept).sort().at(-1) ?? ''

/** Files of the directory, by the end of their names. */
function filesIn(directory: string, end: string): readonly string[] {
  const all = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return all.filter((file) => file.endsWith(end)).map((file) => join(directory, file))
}

/** A header whose version is that of a release to come, with checksums that hold. */
function raiseVersion(file: string, header: { at: number; version: number; crc: number }): void {
  const bytes = readFileSync(file)
  const { at, version, crc } = header
  bytes.writeUInt16LE(2, at + version)
  bytes.writeUInt32LE(crc32(bytes.subarray(at, at + crc)), at + crc)
  writeFileSync(file, bytes)
}

t.test(
  'a write-ahead log of a later release is refused, and nothing in it is changed',
  async (t) => {
    const directory = copyOf(t, newest, 'wal')
    const segments = filesIn(directory, '.wal')
    for (const file of segments) {
      for (const at of [0, 4096]) raiseVersion(file, { at, version: 4, crc: 60 })
    }
    const before = segments.map((file) => readFileSync(file))
    await t.rejects(startOn(directory, stores.wal()), {
      code: 'RAFT_CORRUPT',
      message: /version 2: a later release wrote it/,
    })
    t.same(
      segments.map((file) => readFileSync(file)),
      before,
    )
  },
)

t.test('an LMDB store of a later release is refused', async (t) => {
  const directory = copyOf(t, newest, 'lmdb')
  const store = await loadStore(stores.lmdb(), {
    dataDir: directory,
    nodeId: 'n1',
    warn: () => {},
    now: () => 0,
  })
  await store.set(sealed('format', Buffer.from('2')))
  await store.close()
  await t.rejects(startOn(directory, stores.lmdb()), {
    code: 'RAFT_CORRUPT',
    message: /expected store format 1, found 2: a later release wrote it/,
  })
})

t.test('a snapshot of a later release is not taken for the state', async (t) => {
  const directory = copyOf(t, newest, 'wal')
  for (const file of filesIn(directory, '.snapshot')) {
    raiseVersion(file, { at: 0, version: 8, crc: 60 })
  }
  await t.rejects(startOn(directory, stores.wal()), {
    code: 'RAFT_CORRUPT',
    message: /entries between them are missing/,
  })
})
