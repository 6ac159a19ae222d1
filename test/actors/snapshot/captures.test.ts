import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { SnapshotMeta } from '../../../actors/snapshot/protocol.js'
import { configuration, pattern } from '../../snapshot/support/snapshots.js'
import { Archive, type ArchiveOptions } from './support/archive.js'

async function open(t: Test, options: ArchiveOptions = {}): Promise<Archive> {
  const archive = await Archive.open(options)
  t.teardown(() => archive.close())
  return archive
}

t.test('a captured snapshot is the newest one', async (t) => {
  const archive = await open(t)
  t.equal(await archive.ask({ kind: 'newest' }), null)
  const checksum = crc32(pattern(3000, 5))
  const meta = { index: 5, term: 2, configuration, size: 3000, checksum }
  t.strictSame(await archive.capture(5, 2), meta)
  t.strictSame(await archive.ask<SnapshotMeta>({ kind: 'newest' }), meta)
})

t.test('a damaged newest one gives way to the next older (R-09)', async (t) => {
  const archive = await open(t)
  await archive.capture(5)
  await archive.capture(9)
  const again = await open(t, { disk: archive.disk })
  again.damage(9)
  t.match(await again.ask<SnapshotMeta>({ kind: 'newest' }), { index: 5 })
  t.strictSame(await again.list(), ['1-9', '1-5'])
})

t.test('a capture is invisible until it is committed', async (t) => {
  const archive = await open(t)
  const capture = await archive.beginCapture(5)
  await archive.ask({ kind: 'writeCapture', capture, bytes: pattern(10) })
  t.strictSame(await archive.list(), [])
  await archive.ask({ kind: 'abortCapture', capture })
  await t.rejects(archive.ask({ kind: 'commitCapture', capture }), { code: 'RAFT_STORE_FAILED' })
  t.strictSame(await archive.list(), [])
})

t.test('a new capture ends the former one, whose chunks go nowhere', async (t) => {
  const archive = await open(t)
  const first = await archive.beginCapture(5)
  const second = await archive.beginCapture(6)
  const stray = { kind: 'writeCapture', capture: first, bytes: pattern(10) } as const
  await t.rejects(archive.ask(stray), { message: /capture 1 is over/ })
  await archive.ask({ kind: 'abortCapture', capture: first })
  t.match(await archive.ask({ kind: 'commitCapture', capture: second }), { index: 6, size: 0 })
})

t.test('the capture of an FSM actor that is gone is over', async (t) => {
  const archive = await open(t)
  const capture = await archive.beginCapture(5)
  await archive.killFsm()
  const write = { kind: 'writeCapture', capture, bytes: pattern(10) } as const
  await t.rejects(archive.ask(write), { message: /is over/ })
  await archive.startFsm()
  t.match(await archive.capture(5), { index: 5 })
})

t.test('a local snapshot older than the newest is discarded (S13)', async (t) => {
  const archive = await open(t)
  const capture = await archive.beginCapture(5)
  // A snapshot from the leader arrives while the older one is being written.
  await archive.receive(8)
  await t.rejects(archive.ask({ kind: 'commitCapture', capture }), {
    code: 'RAFT_NOTHING_TO_SNAPSHOT',
    details: { index: 5, newestIndex: 8 },
  })
  t.strictSame(await archive.list(), ['1-8'])
})

t.test('older snapshots are pruned down to `retain`', async (t) => {
  const archive = await open(t, { retain: 2 })
  for (const index of [1, 2, 3, 4]) await archive.capture(index)
  t.strictSame(await archive.list(), ['1-4', '1-3'])
  const least = await open(t, { retain: 0 })
  for (const index of [1, 2]) await least.capture(index)
  t.strictSame(await least.list(), ['1-2'], 'the newest always stays')
})

t.test('a damaged snapshot does not count among those that are kept', async (t) => {
  const archive = await open(t, { retain: 2 })
  await archive.capture(1)
  await archive.capture(2)
  const again = await open(t, { retain: 2, disk: archive.disk })
  again.damage(2)
  t.match(await again.ask({ kind: 'newest' }), { index: 1 })
  await again.capture(3)
  t.strictSame(await again.list(), ['1-3', '1-1'])
})

t.test('a snapshot that cannot be deleted is tried again', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  archive.disk.fault = (operation) => {
    if (operation === 'remove') throw new Error('busy')
  }
  await archive.capture(2)
  t.strictSame(await archive.list(), ['1-2', '1-1'])
  archive.disk.fault = null
  await archive.capture(3)
  t.strictSame(await archive.list(), ['1-3'])
})

t.test('a state that is being read is not pruned', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1, 1, pattern(2000))
  const { reading, size } = await archive.openState(1)
  t.equal(size, 2000)
  await archive.capture(2)
  const expected = Buffer.from(pattern(2000)).subarray(1500)
  t.strictSame(await archive.readState(reading, 1500, 1000), expected)
  await archive.ask({ kind: 'closeState', reading })
  t.strictSame(await archive.list(), ['1-2'])
  await t.rejects(archive.readState(reading, 1500, 1000), { message: /is not open/ })
})

t.test('what a dead FSM actor was reading is let go', async (t) => {
  const archive = await open(t, { retain: 1 })
  await archive.capture(1)
  await archive.openState(1)
  await archive.startFsm()
  await archive.capture(2)
  t.strictSame(await archive.list(), ['1-2'])
})

t.test('a state that is missing or damaged cannot be opened', async (t) => {
  const archive = await open(t)
  await archive.capture(1)
  const again = await open(t, { disk: archive.disk })
  await t.rejects(again.openState(1, 2), { code: 'RAFT_STORE_FAILED', message: /does not exist/ })
  again.damage(1)
  await t.rejects(again.openState(1), { code: 'RAFT_CORRUPT' })
})
