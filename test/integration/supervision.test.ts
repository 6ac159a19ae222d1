import t from 'tap'
import type { RaftEvent } from '../../lib/node/events.js'
import { tcpTransport } from '../../lib/transport/transports.js'
import { errorOf } from '../node/fixtures/callers.js'
import { busy } from './support/leftovers.js'
import { type OpenNode, startOpenNodes } from './support/open-nodes.js'

/** Actors that may die alone are replaced, and the node goes on; the others take the node with them. */

const config = { heartbeatTimeoutMs: 1500, restartMinMs: 10 }

/** Whom each story kills, of a leader and one follower. */
const victims: Readonly<
  Record<string, (leader: OpenNode, follower: OpenNode) => readonly [node: OpenNode, actor: string]>
> = {
  'the inbound actor of a follower': (_, follower) => [follower, 'inbound'],
  'the inbound actor of the leader': (leader) => [leader, 'inbound'],
  'a replicator of the leader': (leader, follower) => [leader, `replicator-${follower.id}`],
  'the snapshot actor': (leader) => [leader, 'snapshot'],
  'the state machine of a follower': (_, follower) => [follower, 'fsm'],
}

t.test('an actor is killed again and again while commands are written', async (t) => {
  const { leader, followers } = await startOpenNodes(t, { config })
  const nodes = [leader, ...followers]
  // A pre-vote of a follower that hears late, on a busy machine, changes nothing; a newer term would.
  const changes: RaftEvent[] = []
  const { term } = leader.started.side.view.status
  for (const { started } of nodes) {
    started.side.events.on('state', (event) => event.term !== term && changes.push(event))
  }
  let written = 1
  for (const [name, victim] of Object.entries(victims)) {
    await t.test(name, async (t) => {
      const [node, actor] = victim(leader, followers[0] as OpenNode)
      let last = 0
      for (let kills = 0; kills < 3; kills++) {
        const pending = Array.from({ length: 50 }, (_, i) => leader.apply(`${name} ${kills} ${i}`))
        await node.replaced(actor)
        for (const { index } of await Promise.all(pending)) last = Math.max(last, index)
        written += pending.length
      }
      for (const each of nodes) t.equal(await each.length(last), written, `${each.id} applied all`)
      t.same(changes, [], 'in the same term, under the same leader')
    })
  }
})

t.test('an actor on a shared thread is killed, and its successor shares it', async (t) => {
  const options = () => ({ threads: 'shared' as const })
  const { leader, followers } = await startOpenNodes(t, { config, options })
  let written = 1
  for (const [name, victim] of Object.entries(victims).slice(0, 3)) {
    const [node, actor] = victim(leader, followers[0] as OpenNode)
    const pending = Array.from({ length: 50 }, (_, i) => leader.apply(`${name} ${i}`))
    await node.replaced(actor)
    const indexes = (await Promise.all(pending)).map(({ index }) => index)
    written += pending.length
    for (const each of [leader, ...followers]) {
      t.equal(await each.length(Math.max(...indexes)), written, `${name}: ${each.id} applied all`)
    }
  }
})

t.test('an inbound actor on port 0 is found where its predecessor was', async (t) => {
  const options = () => ({ transport: tcpTransport({ listen: '127.0.0.1:0' }) })
  const { leader } = await startOpenNodes(t, { nodes: 1, config, options })
  const { address } = leader.started.assembled
  await leader.replaced('inbound')
  t.strictSame(await leader.actor('inbound').ref.ask({ kind: 'address' }), { address })
})

t.test(
  'a message to an actor that is gone is a dead letter, and observers hear of it',
  async (t) => {
    const { leader } = await startOpenNodes(t, { nodes: 1, config })
    const gone = leader.actor('snapshot')
    await leader.replaced('snapshot')
    const told = new Promise((resolve) => leader.started.side.events.on('deadLetter', resolve))
    t.notOk(gone.ref.tell({ kind: 'discard' }))
    t.match(await told, { kind: 'deadLetter', to: 'snapshot', message: 'discard', node: leader.id })
  },
)

t.test('results of a killed state machine are lost, and its commands are not', async (t) => {
  const { leader, followers } = await startOpenNodes(t, { config })
  const pending = Array.from({ length: 200 }, (_, i) => leader.apply(`${i}`))
  const settled = Promise.allSettled(pending)
  await leader.replaced('fsm')
  for (const result of await settled) {
    if (result.status === 'fulfilled') continue
    t.match(result.reason, { code: 'RAFT_RESULT_LOST', outcome: 'committed' })
  }
  const { index } = await leader.apply('after')
  for (const node of [leader, ...followers]) t.equal(await node.length(index), 202)
})

t.test('commands that a killed replicator was to forward end soon', async (t) => {
  const { leader, followers } = await startOpenNodes(t, { config })
  const [follower] = followers as readonly [OpenNode, OpenNode]
  const lost = { code: 'RAFT_LEADERSHIP_LOST', outcome: 'unknown' }
  for (let kills = 0; kills < 5; kills++) {
    const calls = Array.from({ length: 20 }, (_, i) => follower.apply(`${i}`, { forward: true }))
    await follower.replaced(`replicator-${leader.id}`)
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') t.match(result.reason, lost)
    }
  }
  t.match(await follower.apply('after', { forward: true }), { index: Number })
})

t.test('a snapshot can be taken and sent after its actor was replaced', async (t) => {
  const { leader } = await startOpenNodes(t, { config })
  await leader.apply('something')
  const interrupted = leader.started.side.requests.snapshot({}).catch((error) => error.code)
  await leader.replaced('snapshot')
  t.match(await interrupted, /^(RAFT_|\d)/, 'the one under way ends')
  await leader.apply('something else')
  t.match(await leader.started.side.requests.snapshot({}), { index: Number })
})

t.test('the log actor takes the node with it, and the others go on', async (t) => {
  const { leader, followers } = await startOpenNodes(t, { config })
  const pending = errorOf(Promise.all(Array.from({ length: 20 }, (_, i) => leader.apply(`${i}`))))
  await leader.actor('log').kill()
  const closed = await leader.started.life.closed
  t.match(closed, { reason: 'failed', error: { code: 'RAFT_STORE_FAILED', message: /log actor/ } })
  t.match(await pending, { code: 'RAFT_STORE_FAILED', outcome: /unknown|rejected/ })
  const [other] = followers
  t.match(await other?.apply('goes on', { forward: true, timeoutMs: 20_000 }), { index: Number })
})

t.test('a flush that fails takes the node with it, and the error names the cause', async (t) => {
  const broken = new Int32Array(new SharedArrayBuffer(4))
  const module = new URL('../fixtures/stores/failing-store.js', import.meta.url)
  const options = () => ({ store: { module, options: { broken: broken.buffer } } })
  const { leader } = await startOpenNodes(t, { config, options })
  const pending = Array.from({ length: 100 }, (_, i) => errorOf(leader.apply(`${i}`)))
  Atomics.store(broken, 0, 1)
  const { reason, error } = await leader.started.life.closed
  t.equal(reason, 'failed')
  t.match(error, { code: 'RAFT_STORE_FAILED', message: /EIO: i\/o error, fdatasync/ })
  for (const failure of await Promise.all(pending)) {
    t.match(failure, { code: 'RAFT_STORE_FAILED', outcome: /unknown|rejected/ })
  }
})

t.test('a consensus actor on a thread takes the node with it', async (t) => {
  const options = () => ({ threads: { consensus: 'worker' } }) as const
  const { leader, followers } = await startOpenNodes(t, { config, options })
  await leader.actor('consensus').kill()
  t.match(await leader.started.life.closed, {
    reason: 'failed',
    error: { code: 'RAFT_CLOSED', message: /consensus actor/ },
  })
  t.match(await errorOf(leader.apply('too late')), { code: 'RAFT_CLOSED', outcome: 'rejected' })
  const [other] = followers
  t.match(await other?.apply('goes on', { forward: true, timeoutMs: 20_000 }), { index: Number })
})

t.test('an actor that dies too often fails the node, which says which', async (t) => {
  const { followers } = await startOpenNodes(t, { config: { ...config, maxRestarts: 1 } })
  const [node] = followers as readonly [OpenNode, OpenNode]
  await node.replaced('snapshot')
  await node.actor('snapshot').kill()
  const message = /the snapshot actor failed and is not restarted/
  t.match(await node.started.life.closed, { reason: 'failed', error: { message } })
})

t.test(
  'closing while actors wait to be replaced, or are being replaced, leaves nothing',
  async (t) => {
    const before = await busy()
    for (const restartMinMs of [60_000, 0]) {
      await t.test(`restarted after ${restartMinMs} ms`, async (t) => {
        const options = { config: { ...config, restartMinMs, restartMaxMs: 60_000 } }
        const { leader, followers } = await startOpenNodes(t, options)
        for (const node of [leader, ...followers]) {
          const names = node.started.assembled.handles().map(({ name }) => name)
          const mortal = names.filter((name) => !['log', 'consensus'].includes(name))
          await Promise.all(mortal.map((name) => node.actor(name).kill()))
          await node.started.life.close()
        }
      })
      t.same(await busy(before), before)
    }
  },
)
