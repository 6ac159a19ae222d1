import t from 'tap'
import type { PeerReport } from '../../../actors/consensus/protocol.js'
import type { Access } from '../../../lib/kv/access.js'
import { LiveFeed } from '../../../lib/kv/page/live-feed.js'
import type { LiveMessage } from '../../../lib/kv/page/live-message.js'
import { RequestMeter } from '../../../lib/kv/page/request-meter.js'
import { FakeReplica, theLeader } from '../fake-replica.js'

/** A feed whose seconds pass when the test says so. */
function feed() {
  const node = new FakeReplica()
  const meter = new RequestMeter()
  let now = 0
  let due: (() => void) | null = null
  const clock = {
    now: () => now,
    after: (_ms: number, callback: () => void) => {
      due = callback
      const cancel = () => {
        due = null
      }
      return { cancel }
    },
  }
  const options = { node, meter, clock, time: () => 1e12 + now, electionTimeoutMs: 1000 }
  const live = new LiveFeed(options)
  live.start()
  const second = () => {
    now += 1000
    due?.()
  }
  return { node, meter, live, second, waits: () => due !== null }
}

/** The next message of a stream; null: it has ended. */
async function next(stream: AsyncIterator<Buffer>): Promise<LiveMessage | null> {
  const { done, value } = await stream.next()
  if (done === true) return null
  const text = value.toString()
  if (!/^data: .*\n\n$/s.test(text)) throw new Error(`this is no event: ${text}`)
  return JSON.parse(text.slice('data: '.length)) as LiveMessage
}

t.test('a viewer is told the past at once, and then what is new each second', async (t) => {
  const { node, meter, live, second } = feed()
  for (const ms of [1, 2, 3, 400]) meter.count('write', ms)
  meter.count('read', 1)
  node.index += 50
  second()
  const stream = (await live.open(() => 'admin'))[Symbol.asyncIterator]()
  const first = await next(stream)
  t.match(first, { node: { id: 'n1', state: 'follower' }, indexes: { committed: 60 } })
  t.match(first?.samples, [{ committedPerS: 50, writesPerS: 4, readsPerS: 1 }])
  const [{ writeP50Ms = 0, writeP99Ms = 0 } = {}] = (first?.samples ?? []) as [LiveSample?]
  t.ok(Math.abs(Number(writeP50Ms) - 2) < 0.1, `${writeP50Ms}`)
  t.ok(Math.abs(Number(writeP99Ms) - 400) < 20, `${writeP99Ms}`)
  node.follow(theLeader)
  second()
  const then = await next(stream)
  t.match(then?.samples, [{ committedPerS: 0, writesPerS: 0, writeP50Ms: null }])
  t.match(then?.events, [{ number: 1, kind: 'leader', level: 'ok', text: 'n2 leads term 4' }])
  second()
  t.match(await next(stream), { events: [], samples: [{}] })
  live.close()
})
type LiveSample = LiveMessage['samples'][number]

t.test('two minutes and a hundred events are kept, whoever looks', async (t) => {
  const { node, live, second } = feed()
  for (let i = 0; i < 130; i++) {
    node.follow({ ...theLeader, id: `n${i}` })
    second()
  }
  const { samples, events } = await live.state('data')
  t.equal(samples.length, 120)
  t.equal(events.length, 100)
  t.equal(events.at(-1)?.text, 'n129 leads term 4')
  live.close()
})

t.test('what happens again and again takes one line', async (t) => {
  const { node, live } = feed()
  for (const leader of ['n2', 'n3', 'n3', 'n3']) node.follow({ ...theLeader, id: leader })
  const { events } = await live.state('data')
  t.match(events, [
    { number: 1, text: 'n2 leads term 4', times: 1 },
    { number: 4, text: 'n3 leads term 4', times: 3 },
  ])
  live.close()
})

t.test('how the members do is what the leader says, or not known', async (t) => {
  const { node, live } = feed()
  node.members.servers = [theLeader, { id: 'n1', address: 'n1:1', meta: {} }].map((server) => ({
    ...server,
    suffrage: 'voter',
    addedAt: 1,
  }))
  const report: PeerReport = {
    id: 'n1',
    matchIndex: 8,
    lastContactMs: 5,
    roundTripMs: 0.4,
    incarnation: 'known',
  }
  let asked: unknown = null
  node.peers = async (options?: unknown) => {
    asked = options
    return [report]
  }
  const known = await live.state('data')
  t.match(asked, { forward: true })
  t.equal(known.healthFrom, 'n2')
  t.match(known.members, [
    { id: 'n2', leader: true, health: { lastContactMs: 12.3, condition: 'ok', matchIndex: null } },
    { id: 'n1', self: true, health: { matchIndex: 8, behind: 2, roundTripMs: 0.4 } },
  ])
  node.peers = async () => {
    throw new Error('the leader does not answer')
  }
  const unknown = await live.state('data')
  t.equal(unknown.healthFrom, null)
  t.match(unknown.members[1]?.health, { matchIndex: 10, behind: 0, condition: 'ok' })
  live.close()
})

t.test('what actors did in the last second', async (t) => {
  const { node, live, second } = feed()
  const actor = { name: 'log', controlMessages: 1, dataMessages: 2, turns: 1, busyMs: 10 }
  const backlog = { backlogMessages: 3, backlogBytes: 99 }
  const recent = { busyShare: 1, loopShare: null, messagesPerTurn: 1 }
  node.actors = [{ ...actor, ...backlog, ...recent }]
  second()
  node.actors = [{ ...actor, dataMessages: 502, busyMs: 260, ...backlog, ...recent }]
  second()
  t.strictSame((await live.state('data')).actors, [
    { name: 'log', ...backlog, busyShare: 0.25, messagesPerS: 500 },
  ])
  live.close()
})

t.test(
  'a viewer may act with the admin token, and sees nothing more when its token is withdrawn',
  async (t) => {
    const { live, second } = feed()
    let opens: Access = 'admin'
    const stream = (await live.open(() => opens))[Symbol.asyncIterator]()
    t.equal((await next(stream))?.mayAct, true)
    opens = 'data'
    second()
    t.equal((await next(stream))?.mayAct, false)
    opens = 'public'
    second()
    t.equal(await next(stream), null)
    live.close()
  },
)

t.test('a close ends every stream, timer and listener', async (t) => {
  const { node, live, waits } = feed()
  const stream = (await live.open(() => 'data'))[Symbol.asyncIterator]()
  await next(stream)
  t.equal(node.listeners, 1)
  live.close()
  t.equal(await next(stream), null)
  t.equal(node.listeners, 0)
  t.notOk(waits())
})

t.test('viewers are limited', async (t) => {
  const { live } = feed()
  const streams = []
  for (let i = 0; i < 64; i++) streams.push(await live.open(() => 'data'))
  const another = () => live.open(() => 'data')
  await t.rejects(another(), { code: 'HTTP_TOO_MANY_VIEWERS', status: 503 })
  streams.pop()?.destroy()
  await new Promise((resolve) => setImmediate(resolve))
  await t.resolves(another())
  live.close()
})

t.test('a viewer that does not read is told no more', async (t) => {
  const { live, second } = feed()
  const slow = await live.open(() => 'data')
  for (let i = 0; i < 320; i++) {
    second()
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(slow.readableLength > 200_000 && slow.readableLength < 300_000, `${slow.readableLength}`)
  live.close()
})
