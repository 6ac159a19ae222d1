import { crc32 } from 'node:zlib'
import t from 'tap'
import type { OpenSnapshot } from '../../lib/node/snapshots.js'
import { errorOf, fateOf } from './fixtures/callers.js'
import { counters } from './fixtures/counter-cluster.js'

const alone = (retainSnapshots = 2) => counters({ nodes: 1, config: { retainSnapshots } })

async function textOf(snapshot: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of snapshot) parts.push(part)
  return Buffer.concat(parts).toString()
}

t.test('a snapshot can be opened: its metadata and its bytes', async (t) => {
  await using cluster = await alone()
  const node = await cluster.leader()
  const { index, term } = await node.apply({ add: 7 })
  const taken = await node.snapshot()
  t.match(taken, { index, term })
  const open = await taken.open()
  const text = await textOf(open)
  t.equal(JSON.parse(text), 7)
  const { servers } = await node.configuration()
  t.strictSame(open.meta, {
    index,
    term,
    configuration: { servers },
    configurationIndex: 1,
    size: text.length,
    checksum: crc32(text),
  })
  t.equal(taken.bytes, text.length)
})

t.test(
  'an open snapshot is kept while newer ones prune it, and goes once it is read',
  async (t) => {
    await using cluster = await alone(1)
    const node = await cluster.leader()
    await node.apply({ add: 1 })
    const taken = await node.snapshot()
    const open = await taken.open()
    for (let round = 0; round < 3; round++) {
      await node.apply({ add: 1 })
      await node.snapshot()
    }
    t.equal(JSON.parse(await textOf(open)), 1)
    t.equal(await fateOf(taken.open()), 'RAFT_STORE_FAILED -')
  },
)

t.test('a snapshot that was pruned before it is opened gives a typed error', async (t) => {
  await using cluster = await alone(1)
  const node = await cluster.leader()
  await node.apply({ add: 1 })
  const first = await node.snapshot()
  await node.apply({ add: 1 })
  const second = await node.snapshot()
  const error = await errorOf(first.open())
  t.match(error, { code: 'RAFT_STORE_FAILED', message: new RegExp(`index ${first.index}`) })
  t.equal(JSON.parse(await textOf(await second.open())), 2)
})

t.test('a snapshot can be opened twice, and each one read once', async (t) => {
  await using cluster = await alone()
  const node = await cluster.leader()
  await node.apply({ add: 3 })
  const taken = await node.snapshot()
  const [one, other] = [await taken.open(), await taken.open()]
  t.equal(await textOf(one), await textOf(other))
  t.match(await errorOf(textOf(one)), { message: /it was read before/ })
})

t.test('closing an open snapshot lets go of it, also in the middle', async (t) => {
  await using cluster = await alone(1)
  const node = await cluster.leader()
  await node.apply({ add: 3 })
  const taken = await node.snapshot()
  const unread = await taken.open()
  await unread.close()
  t.match(await errorOf(textOf(unread)), { message: /closed/ })
  for await (const _ of await taken.open()) break
  await node.apply({ add: 3 })
  await node.snapshot()
  t.equal(await fateOf(taken.open()), 'RAFT_STORE_FAILED -', 'nothing keeps it any more')
})

t.test('a closed node says so', async (t) => {
  const cluster = await alone()
  const node = await cluster.leader()
  await node.apply({ add: 3 })
  const taken = await node.snapshot()
  const open: OpenSnapshot = await taken.open()
  await cluster.close()
  t.equal(await fateOf(taken.open()), 'RAFT_CLOSED -')
  t.equal(await fateOf(textOf(open)), 'RAFT_CLOSED -')
})

t.test('the newest snapshot, whoever made it', async (t) => {
  await using cluster = await alone()
  const node = await cluster.leader()
  t.equal(await node.newestSnapshot(), null)
  await node.apply({ add: 3 })
  const { index } = await node.snapshot()
  t.equal(await fateOf(node.snapshot()), 'RAFT_NOTHING_TO_SNAPSHOT rejected')
  const newest = await node.newestSnapshot()
  t.match(newest, { index })
  t.equal(JSON.parse(newest === null ? '' : await textOf(await newest.open())), 3)
})
