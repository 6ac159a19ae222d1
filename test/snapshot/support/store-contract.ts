import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { SnapshotStore } from '../../../lib/snapshot/store.js'
import { pattern, readAll, snapshotAt, write } from './snapshots.js'

/** What a store's tests must be able to do to it. */
export interface StoreUnderTest {
  /** Opens what a former store left. */
  open(): Promise<SnapshotStore>
  /** Changes one byte of the stored state. */
  damage(index: number): Promise<void>
}

const keys = (list: readonly { readonly index: number; readonly term: number }[]) =>
  list.map(({ term, index }) => `${term}-${index}`)

/** The tests that every snapshot store passes. */
export function storeContract(name: string, make: (t: Test) => StoreUnderTest): void {
  const test = (what: string, body: (t: Test, under: StoreUnderTest) => Promise<void>): void => {
    t.test(`${name}: ${what}`, async (t) => body(t, make(t)))
  }

  test('a committed snapshot is there after a restart, byte for byte', async (t, under) => {
    const store = await under.open()
    const body = pattern(10_000)
    const stored = await write(store, snapshotAt(7, 3), body)
    t.strictSame(stored, { ...snapshotAt(7, 3), size: body.length, checksum: crc32(body) })
    await store.close()
    const again = await under.open()
    const [found] = await again.list()
    t.strictSame(found, stored)
    t.ok(await again.verify(stored))
    for (const maxBytes of [1009, 4096, 20_000]) {
      t.ok(Buffer.from(body).equals(await readAll(again, stored, maxBytes)), `by ${maxBytes}`)
    }
  })

  test('any part of the state can be read', async (t, under) => {
    const store = await under.open()
    const body = pattern(5000)
    const stored = await write(store, snapshotAt(1), body)
    for (const [offset, length] of [
      [0, 1],
      [1023, 2],
      [1024, 1024],
      [4999, 9],
      [5000, 9],
    ] as const) {
      const part = await store.read(stored, offset, length)
      t.ok(Buffer.from(body.subarray(offset, offset + length)).equals(part), `${offset}`)
    }
  })

  test('an empty state is a snapshot', async (t, under) => {
    const store = await under.open()
    const stored = await write(store, snapshotAt(1), new Uint8Array(0))
    t.equal(stored.size, 0)
    t.ok(await store.verify(stored))
    t.equal((await store.read(stored, 0, 10)).length, 0)
    t.strictSame(keys(await (await under.open()).list()), ['1-1'])
  })

  test('what was not committed does not exist, before and after a restart', async (t, under) => {
    const store = await under.open()
    const writer = await store.create(snapshotAt(1))
    await writer.write(pattern(3000))
    t.strictSame(await store.list(), [])
    t.strictSame(await (await under.open()).list(), [])
    await writer.abort()
  })

  test('an aborted snapshot leaves nothing', async (t, under) => {
    const store = await under.open()
    const writer = await store.create(snapshotAt(1))
    await writer.write(pattern(3000))
    await writer.abort()
    await writer.abort()
    t.strictSame(await store.list(), [])
    t.strictSame(keys([await write(store, snapshotAt(1), pattern(10))]), ['1-1'])
  })

  test('an abort after the commit changes nothing', async (t, under) => {
    const store = await under.open()
    const writer = await store.create(snapshotAt(1))
    const stored = await writer.commit()
    await writer.abort()
    t.ok(await store.verify(stored))
  })

  test('the writer counts what it was given', async (t, under) => {
    const writer = await (await under.open()).create(snapshotAt(1))
    t.equal(writer.written, 0)
    await writer.write(pattern(1500))
    await writer.write(pattern(5))
    t.equal(writer.written, 1505)
    await writer.abort()
  })

  test('bytes may be reused as soon as they are written', async (t, under) => {
    const store = await under.open()
    const writer = await store.create(snapshotAt(1))
    const shared = new Uint8Array(new SharedArrayBuffer(1500))
    for (const seed of [1, 2]) {
      shared.set(pattern(1500, seed))
      await writer.write(shared)
    }
    shared.fill(0)
    const stored = await writer.commit()
    const body = Buffer.concat([pattern(1500, 1), pattern(1500, 2)])
    t.ok(body.equals(await readAll(store, stored, 4000)))
  })

  test('newest is by term and index as numbers (R-09)', async (t, under) => {
    const store = await under.open()
    // As file names these would sort with 9787-159118266 last.
    const ids = [
      [9787, 159118266],
      [103852, 275330228],
      [103852, 99],
      [2, 300],
      [10, 5],
    ] as const
    for (const [term, index] of ids) await write(store, snapshotAt(index, term), pattern(1))
    const newestFirst = ['103852-275330228', '103852-99', '9787-159118266', '10-5', '2-300']
    t.strictSame(keys(await store.list()), newestFirst)
    t.strictSame(keys(await (await under.open()).list()), newestFirst)
  })

  test('indexes and terms up to 2^53-1 are exact (R-08)', async (t, under) => {
    const store = await under.open()
    const most = Number.MAX_SAFE_INTEGER
    await write(store, snapshotAt(most, most - 1), pattern(1))
    await write(store, snapshotAt(most - 1, most - 1), pattern(1))
    t.strictSame(keys(await (await under.open()).list()), [
      '9007199254740990-9007199254740991',
      '9007199254740990-9007199254740990',
    ])
  })

  test('a removed snapshot is gone for good', async (t, under) => {
    const store = await under.open()
    const stored = await write(store, snapshotAt(1), pattern(1))
    await write(store, snapshotAt(2), pattern(1))
    await store.remove(stored)
    await store.remove(stored)
    t.strictSame(keys(await store.list()), ['1-2'])
    t.strictSame(keys(await (await under.open()).list()), ['1-2'])
    await t.rejects(async () => store.read(stored, 0, 1), { code: 'RAFT_STORE_FAILED' })
  })

  test('a damaged state fails its checksum and is never handed out', async (t, under) => {
    const first = await under.open()
    const stored = await write(first, snapshotAt(4), pattern(5000))
    await first.close()
    await under.damage(4)
    const store = await under.open()
    t.notOk(await store.verify(stored))
    // The damage is far from these bytes, which would be right.
    await t.rejects(async () => store.read(stored, 0, 10), { code: 'RAFT_CORRUPT' })
  })

  test('a snapshot written again replaces the one it repeats', async (t, under) => {
    const first = await under.open()
    await write(first, snapshotAt(4), pattern(5000))
    await under.damage(4)
    const store = await under.open()
    const stored = await write(store, snapshotAt(4), pattern(600, 9))
    t.equal((await store.list()).length, 1)
    t.ok(Buffer.from(pattern(600, 9)).equals(await readAll(store, stored, 1000)))
  })
}
