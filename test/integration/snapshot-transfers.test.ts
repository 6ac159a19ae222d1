import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { SnapshotCommand } from '../fixtures/programs/snapshot-process.js'
import { ChildProgram } from './support/child-program.js'
import { busy } from './support/leftovers.js'
import { answerOf, SnapshotPair } from './support/snapshot-pair.js'

/** Snapshots on their way to a follower, and what may happen meanwhile (S13). */

const MIB = 1024 * 1024
const STATE = 24 * MIB

t.test('a transfer goes on where it was when its connection breaks', async (t) => {
  const pair = await SnapshotPair.start(t)
  const index = await pair.fill(STATE)
  const passed = pair.proxy.passed(STATE / 2)
  await pair.startNode('n2')
  await passed
  pair.proxy.break()
  t.strictSame(await pair.caughtUp(), { size: STATE, verified: STATE })
  const { bytes } = pair.proxy
  t.ok(bytes > STATE && bytes < STATE + STATE / 4, `${bytes} bytes of ${STATE} were sent`)
  t.strictSame(
    pair.events.filter((event) => !event.startsWith('n1 saved')),
    [`n2 received ${index}`, `n1 sent ${index}`],
  )
})

t.test('heartbeats go on while a snapshot is stuck on its way, and so do writes', async (t) => {
  const pair = await SnapshotPair.start(t)
  const index = await pair.fill(STATE)
  const passed = pair.proxy.passed(STATE / 4)
  await pair.startNode('n2')
  await passed
  pair.proxy.holdBusiest()
  // Heartbeats of the leader are all that still passes.
  await pair.proxy.passed(5000)
  await pair.sender.apply(Buffer.from('meanwhile'))
  t.notOk(pair.events.includes(`n1 sent ${index}`))
  pair.proxy.release()
  t.match(await pair.caughtUp(), { size: STATE })
  t.ok(pair.events.includes(`n1 sent ${index}`))
})

t.test('progress of install and restore is told, with the end', async (t) => {
  const pair = await SnapshotPair.start(t)
  await pair.fill(STATE)
  pair.proxy.cut()
  const follower = await pair.startNode('n2')
  const progress: string[] = []
  follower.on('progress', ({ what, done, total }) => progress.push(`${what} ${done}/${total}`))
  pair.proxy.mend()
  await pair.caughtUp()
  const ends = progress.filter((event) => event.endsWith(` ${STATE}/${STATE}`))
  t.strictSame(ends, [`install ${STATE}/${STATE}`, `restore ${STATE}/${STATE}`])
})

t.test('a snapshot that is being sent is not pruned, nor the log behind it', async (t) => {
  const pair = await SnapshotPair.start(t, { retainSnapshots: 1 })
  const index = await pair.fill(STATE)
  const passed = pair.proxy.passed(STATE / 4)
  await pair.startNode('n2')
  await passed
  pair.proxy.hold()
  for (let round = 0; round < 3; round++) {
    await pair.sender.apply(Buffer.from(`round ${round}`))
    await pair.sender.snapshot()
  }
  t.equal((await pair.snapshotFiles('n1')).length, 2, 'the newest, and the one on its way')
  pair.proxy.release()
  t.match(await pair.caughtUp(), { size: STATE, verified: STATE })
  const sent = pair.events.filter((event) => event.startsWith('n1 sent'))
  t.strictSame(sent, [`n1 sent ${index}`], 'the rest came from the log')
  await pair.sender.snapshot()
  t.equal((await pair.snapshotFiles('n1')).length, 1)
})

t.test('compressed chunks: the same state with fewer bytes', async (t) => {
  const pair = await SnapshotPair.start(t, { compressSnapshots: true })
  await pair.fill(STATE)
  await pair.startNode('n2')
  t.strictSame(await pair.caughtUp(), { size: STATE, verified: STATE })
  t.ok(pair.proxy.bytes < STATE * 0.8, `${pair.proxy.bytes} bytes of ${STATE} were sent`)
})

t.test('a receiver that is killed in the middle gets it after its restart', async (t) => {
  const pair = await SnapshotPair.start(t)
  await pair.fill(STATE)
  const receiver = new ChildProgram<SnapshotCommand>('snapshot-process')
  t.teardown(() => receiver.kill())
  const passed = pair.proxy.passed(STATE / 2)
  await receiver.start(pair.setup('n2'))
  await passed
  await receiver.kill()
  const left = await pair.snapshotFiles('n2')
  t.match(left, [/\.tmp$/], 'what was received so far')
  await pair.startNode('n2')
  t.strictSame(await pair.caughtUp(), { size: STATE, verified: STATE })
  t.match(await pair.snapshotFiles('n2'), [/\.snapshot$/])
})

t.test('a leader that can read none of its snapshots makes a new one', async (t) => {
  const pair = await SnapshotPair.start(t)
  const first = await pair.fill(MIB)
  const folder = join(pair.dir, 'n1', 'snapshots')
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), 'r+')
    await file.write(Buffer.from('damaged'), 0, 7, MIB / 2)
    await file.close()
  }
  await pair.startNode('n2')
  t.strictSame(await pair.caughtUp(), { size: MIB, verified: MIB })
  // What the new snapshot holds is there before the leader knows; what comes behind it is not.
  await pair.caughtUp()
  const [saved, failed, ...rest] = pair.events
  t.strictSame([saved, failed], [`n1 saved ${first}`, 'n1 failed 0'])
  t.match(rest.at(-1), /^n1 sent/, rest.join('; '))
})

t.test('a restored machine is restored again from the snapshot that it received', async (t) => {
  const pair = await SnapshotPair.start(t)
  await pair.fill(MIB)
  await pair.startNode('n2')
  await pair.caughtUp()
  await pair.stop('n2')
  const again = await pair.startNode('n2')
  await pair.caughtUp()
  t.strictSame(await answerOf(again), { size: MIB, verified: MIB })
})

t.test('the compression pool ends with its node', { skip: noThreads() }, async (t) => {
  const pair = await SnapshotPair.start(t, { compressSnapshots: true })
  await pair.fill(MIB)
  const before = await busy()
  await pair.startNode('n2')
  await pair.caughtUp()
  const during = await busy()
  await pair.stop('n2')
  await pair.stop('n1')
  const after = await busy()
  t.ok((during.threads ?? 0) > (before.threads ?? 0))
  t.ok(
    (after.threads ?? 0) < (before.threads ?? 0),
    'the threads of the sender are gone, and what it had started since',
  )
  const left = after.resources.Worker ?? 0
  t.equal(left, 0, JSON.stringify(after.resources))
})

function noThreads(): string | false {
  return process.platform === 'linux' ? false : 'threads are counted on Linux'
}
