import t, { type Test } from 'tap'
import type { IndexedConfiguration } from '../../../lib/core/types.js'
import type { SnapshotSink } from '../../../lib/fsm/state-machine.js'
import { List } from '../../fixtures/machines/list.js'
import { commands, noop } from './support/batches.js'
import { configuration, machine, Stage } from './support/stage.js'

/** A list whose snapshots do what the test says. */
class Scripted extends List {
  capture: () => void = () => {}
  persist: (sink: SnapshotSink) => Promise<void> | void = (sink) => sink.write(Buffer.from('ok'))
  released = 0

  override snapshot() {
    this.capture()
    return {
      persist: async (sink: SnapshotSink) => this.persist(sink),
      release: () => {
        this.released++
      },
    }
  }
}

async function open(t: Test, list: List): Promise<Stage> {
  const stage = await Stage.open(machine(list))
  t.teardown(() => stage.close())
  return stage
}

function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

function storedText(stage: Stage, index: number): string | undefined {
  const held = [...stage.disk.held.values()].find(({ stored }) => stored.index === index)
  return held && Buffer.from(held.bytes).toString()
}

t.test('a snapshot holds exactly what was applied when it was asked for (R-07)', async (t) => {
  const list = new List()
  const stage = await open(t, list)
  await stage.apply(noop(1, 1), commands(2, ['a', 'b'], 2))
  stage.askSnapshot()
  stage.tell([commands(4, ['c', 'd'], 3)])
  await stage.replies.take('applied')
  const taken = await stage.replies.take('snapshotTaken')
  t.match(taken, { index: 3, term: 2 })
  const copy = new List()
  await stage.startFsmAgain(machine(copy))
  await stage.restore(3, 2)
  t.strictSame(copy.items, list.items.slice(0, 2))
})

t.test('entries are applied while a snapshot is written', async (t) => {
  const { opened, open: openGate } = gate()
  const list = new Scripted()
  list.persist = async (sink) => {
    await opened
    await sink.write(Buffer.from('late'))
  }
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  stage.askSnapshot()
  t.equal((await stage.apply(commands(2, ['b']))).toIndex, 2)
  t.ok(stage.replies.empty, 'the snapshot is not written yet')
  openGate()
  t.match(await stage.replies.take('snapshotTaken'), { index: 1, bytes: 4 })
  t.equal(list.released, 1)
})

t.test('no entry is applied while the machine captures its state', async (t) => {
  const { opened, open: openGate } = gate()
  const list = Object.assign(new List(), {
    async snapshot() {
      await opened
      const text = String(list.items.length)
      return { persist: (sink: SnapshotSink) => sink.write(Buffer.from(text)) }
    },
  })
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  stage.askSnapshot()
  stage.tell([commands(2, ['b'])])
  setImmediate(openGate)
  await stage.replies.take('applied')
  await stage.replies.take('snapshotTaken')
  t.equal(storedText(stage, 1), '1')
})

t.test('a failure at any stage is reported and the next attempt works (R-04)', async (t) => {
  const list = new Scripted()
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  const good = list.persist
  const fail = (): never => {
    throw new Error('planted')
  }
  const failsOnce: readonly [string, () => void][] = [
    ['capture', () => Object.assign(list, { capture: fail })],
    ['persist', () => Object.assign(list, { persist: fail })],
    ['store create', () => failStore(stage, 'create')],
    ['store write', () => failStore(stage, 'write')],
    ['store commit', () => failStore(stage, 'commit')],
  ]
  for (const [stageName, plant] of failsOnce) {
    plant()
    t.match(await stage.failToSnapshot(), { message: /planted/ }, stageName)
    Object.assign(list, { capture: () => {}, persist: good })
    stage.disk.fault = null
  }
  t.equal(stage.disk.held.size, 0)
  t.match(await stage.takeSnapshot(), { index: 1, bytes: 2 })
  t.equal(list.released, 5, 'every capture that was made was released')
})

function failStore(stage: Stage, operation: string): void {
  stage.disk.fault = (called) => {
    if (called === operation) throw new Error('planted')
  }
}

t.test('a write that failed is not forgotten by a machine that ignores it', async (t) => {
  const list = new Scripted()
  list.persist = async (sink) => {
    await sink.write(new Uint8Array(2 * 1024 * 1024)).catch(() => {})
    await sink.write(Buffer.from('more')).catch(() => {})
  }
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  failStore(stage, 'write')
  t.match(await stage.failToSnapshot(), { message: /planted/ })
})

t.test('writes that are not awaited arrive in order', async (t) => {
  const parts = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i * 97, String(i % 10)))
  const list = new Scripted()
  list.persist = (sink) => {
    for (const part of parts) void sink.write(part)
  }
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  const whole = Buffer.concat(parts)
  t.equal((await stage.takeSnapshot()).bytes, whole.length)
  t.equal(storedText(stage, 1), whole.toString())
})

t.test('nothing new to hold is refused as such', async (t) => {
  const stage = await open(t, new List())
  const refused = { code: 'RAFT_NOTHING_TO_SNAPSHOT' }
  t.match(await stage.failToSnapshot(), refused, 'nothing was applied')
  await stage.apply(commands(1, ['a']))
  await stage.takeSnapshot()
  t.match(await stage.failToSnapshot(), refused, 'a snapshot holds it')
  await stage.apply(commands(2, ['b']))
  t.match(await stage.takeSnapshot(), { index: 2 })
})

t.test('a snapshot is written again when it is asked for with force', async (t) => {
  const stage = await open(t, new List())
  await stage.apply(commands(1, ['a']))
  await stage.takeSnapshot()
  for (const held of stage.disk.held.values()) held.bytes.fill(0)
  const force = { request: 9, configurations: [configuration], force: true }
  stage.fsm.ref.control({ kind: 'takeSnapshot', ...force })
  t.match(await stage.replies.take('snapshotTaken'), { request: 9, index: 1 })
  t.match(storedText(stage, 1), /"text":"a"/)
})

t.test('only one snapshot is written at a time', async (t) => {
  const { opened, open: openGate } = gate()
  const list = new Scripted()
  list.persist = () => opened
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  stage.askSnapshot()
  t.match(await stage.failToSnapshot(), { code: 'RAFT_SNAPSHOT_IN_PROGRESS' })
  openGate()
  t.match(await stage.replies.take('snapshotTaken'), { index: 1 })
})

t.test('the newest configuration at or below the index is recorded (S13)', async (t) => {
  const at = (index: number): IndexedConfiguration => ({ ...configuration, index })
  const stage = await open(t, new List())
  await stage.apply(commands(1, ['a', 'b', 'c']))
  stage.askSnapshot([at(1), at(3), at(2), at(4)])
  await stage.replies.take('snapshotTaken')
  t.equal([...stage.disk.held.values()][0]?.stored.configuration.index, 3)
})

t.test('a state machine that stops gives up its snapshot and releases it', async (t) => {
  const list = new Scripted()
  const { opened: started, open: start } = gate()
  list.persist = async (sink) => {
    start()
    for (;;) await sink.write(new Uint8Array(300_000))
  }
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  stage.askSnapshot()
  await started
  await stage.fsm.stop()
  t.equal(list.released, 1)
  t.equal(stage.disk.held.size, 0)
  t.ok(stage.replies.empty)
})

t.test(
  'a snapshot actor that dies ends the attempt, the next one uses its successor',
  async (t) => {
    const { opened, open: openGate } = gate()
    const { opened: began, open: begin } = gate()
    const list = new Scripted()
    const good = list.persist
    list.persist = async (sink) => {
      begin()
      await opened
      await sink.write(new Uint8Array(600_000))
    }
    const stage = await open(t, list)
    await stage.apply(commands(1, ['a']))
    stage.askSnapshot()
    await began
    await stage.snapshots.kill()
    openGate()
    t.match((await stage.replies.take('snapshotFailed')).error, { code: 'ACTOR_GONE' })
    t.match(await stage.failToSnapshot(), { message: /snapshot actor is not running/ })
    await stage.startSnapshots()
    list.persist = good
    t.match(await stage.takeSnapshot(), { index: 1 })
  },
)

t.test('the capture of a state machine that died is dropped', async (t) => {
  const { opened: began, open: begin } = gate()
  const list = new Scripted()
  list.persist = async (sink) => {
    await sink.write(new Uint8Array(300_000))
    begin()
    return new Promise(() => {})
  }
  const stage = await open(t, list)
  await stage.apply(commands(1, ['a']))
  stage.askSnapshot()
  await began
  await stage.fsm.kill()
  await stage.startFsm(machine(new List()))
  await stage.apply(commands(1, ['a']))
  t.match(await stage.takeSnapshot(), { index: 1 })
})
