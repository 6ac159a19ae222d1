import t from 'tap'
import { ApplyFeed } from '../../../actors/consensus/apply-feed.js'
import { Links } from '../../../actors/consensus/links.js'
import { LogReader } from '../../../actors/consensus/log-reader.js'
import type { NodeReply } from '../../../actors/consensus/protocol.js'
import { SnapshotDesk } from '../../../actors/consensus/snapshot-desk.js'
import type { FsmMessage } from '../../../actors/fsm/protocol.js'
import { LogTail } from '../../../lib/log/log-tail.js'
import { toWireError } from '../../../lib/runtime/wire-error.js'
import { ManualContext } from '../../transport/support/manual-context.js'
import { Recorder } from './support/recorder.js'

class Chance extends ManualContext {
  chance = 0.5
  readonly delays: number[] = []

  override random(): number {
    return this.chance
  }

  override after(delayMs: number, callback: () => void) {
    this.delays.push(delayMs)
    return super.after(delayMs, callback)
  }
}

const policy = {
  snapshotIntervalMs: 1000,
  snapshotThreshold: 10,
  snapshotChunkBytes: 1000,
  maxInstallLogBytes: 1000,
}

/** A desk whose state machine has applied `applied` entries. */
function deskWith(applied: number) {
  const context = new Chance('consensus')
  const links = new Links()
  const fsm = new Recorder<FsmMessage>('fsm')
  const node = new Recorder<NodeReply>('node')
  links.set('fsm', fsm)
  links.set('node', node)
  const tail = new LogTail(1 << 20)
  const reader = new LogReader(() => links.log, tail, 1 << 20)
  const feed = new ApplyFeed({
    tail,
    reader,
    maxBytes: 1 << 20,
    resultsFrom: () => null,
  } as unknown as ConstructorParameters<typeof ApplyFeed>[0])
  feed.start(fsm, applied, null)
  const configurations = () => [{ index: 1, configuration: { servers: [] } }]
  const desk = new SnapshotDesk({ context, links, feed, policy, configurations })
  /** What the state machine is asked in this turn. */
  const asked = () => {
    desk.pump(applied)
    return fsm.take('takeSnapshot')
  }
  return { context, desk, fsm, node, asked }
}

t.test('the interval is drawn from [T, 2T), anew each time', async (t) => {
  const { context, desk } = deskWith(0)
  context.chance = 0
  desk.watch(() => 0)
  for (const chance of [0.5, 0.999]) {
    context.chance = chance
    context.advance(2000)
  }
  t.strictSame(context.delays, [1000, 1500, 1999])
})

t.test('a snapshot is due when the threshold is reached, and not before', async (t) => {
  const { context, desk, asked } = deskWith(15)
  let snapshotIndex = 6
  desk.watch(() => snapshotIndex)
  context.advance(2000)
  t.same(asked(), [], '9 entries since the last one')
  snapshotIndex = 5
  context.advance(2000)
  t.match(asked(), [{ request: 1, force: false }], '10 entries since the last one')
})

t.test('a due snapshot is asked for once while it is under way', async (t) => {
  const { context, desk, asked } = deskWith(100)
  desk.watch(() => 0)
  context.advance(2000)
  t.equal(asked().length, 1)
  context.advance(2000)
  context.advance(2000)
  t.same(asked(), [])
  const failed = { kind: 'snapshotFailed', request: 1, index: 100, term: 1 } as const
  t.ok(desk.failed({ ...failed, error: toWireError(new Error('planted')) }))
  t.match(asked(), [{ request: 2 }], 'R-04: the failed one does not stand in the way of the next')
})

t.test('S14: the state machine is held back until everything it was fed is flushed', async (t) => {
  const { desk, fsm } = deskWith(7)
  desk.want(5)
  t.ok(desk.holdsBack)
  desk.pump(6)
  t.same(fsm.take('takeSnapshot'), [])
  desk.pump(7)
  t.equal(fsm.take('takeSnapshot').length, 1)
})

t.test('everyone who asked is told, with index, term and size, or why not', async (t) => {
  const { desk, node, asked } = deskWith(7)
  desk.want(5)
  desk.want(6)
  asked()
  desk.want(8)
  const taken = { kind: 'snapshotTaken', index: 7, term: 2, bytes: 30 } as const
  t.notOk(desk.taken({ ...taken, request: 9 }), 'of another attempt')
  t.ok(desk.taken({ ...taken, request: 1 }))
  t.match(node.take('snapshotDone'), [
    { id: 5, index: 7, term: 2, bytes: 30, error: null },
    { id: 6, index: 7, term: 2, bytes: 30, error: null },
  ])
  t.equal(asked().length, 1, 'who came later gets a snapshot of its own')
  desk.interrupted(toWireError(new Error('gone')))
  t.match(node.take('snapshotDone'), [{ id: 8, error: { message: 'gone' } }])
})

t.test('a forced snapshot says so once', async (t) => {
  const { desk, asked } = deskWith(7)
  desk.force()
  t.match(asked(), [{ force: true }])
  desk.force()
  t.same(asked(), [], 'the one under way will do')
  desk.interrupted(toWireError(new Error('gone')))
  desk.want(1)
  t.match(asked(), [{ force: false }])
})
