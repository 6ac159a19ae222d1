import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import type { RaftNode } from '../../lib/node/raft-node.js'
import type { ListItem } from '../fixtures/machines/list.js'
import { failures } from '../fixtures/machines/throwing.js'
import { errorOf } from '../node/fixtures/callers.js'
import { listMachine, TcpCluster } from './support/tcp-cluster.js'

/** S14: an exception of the state machine is a fault of its node, and of that node alone. */

const FAIL_AT = 30
const config = { heartbeatTimeoutMs: 800, restartMinMs: 10 }

function throwing(times: number | 'always') {
  const options = { failAt: FAIL_AT, ...(times !== 'always' && { timesLeft: failures(times) }) }
  return stateMachine(
    new URL('../fixtures/machines/throwing.js', import.meta.url),
    options as never,
  )
}

/** A cluster led by n1; the machine of `victim` throws. */
async function start(
  t: Parameters<typeof TcpCluster.start>[0],
  victim: string,
  times: number | 'always',
): Promise<{ readonly cluster: TcpCluster; readonly nodes: readonly RaftNode[] }> {
  const machine = (id: string) => (id === victim ? throwing(times) : listMachine())
  const cluster = await TcpCluster.start(t, { config, stateMachine: machine })
  const leader = await cluster.leadBy('n1')
  await leader.barrier()
  const nodes = ['n1', 'n2', 'n3'].map((id) => cluster.nodes.find((node) => node.id === id))
  return { cluster, nodes: nodes as RaftNode[] }
}

async function texts(node: RaftNode): Promise<readonly string[]> {
  const { result } = await node.query('all' as never)
  return (result as readonly ListItem[]).map(({ text }) => text)
}

const commands = Array.from({ length: 60 }, (_, i) => `command ${i}`)
const propose = (node: RaftNode) => commands.map((text) => node.apply(Buffer.from(text)))

t.test('a leader whose machine throws once goes on from where it was', async (t) => {
  const { nodes } = await start(t, 'n1', 1)
  const [leader] = nodes as readonly [RaftNode]
  const settled = await Promise.allSettled(propose(leader))
  const lost = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  t.ok(lost.length > 0, 'results go down with the machine')
  for (const error of lost) t.match(error, { code: 'RAFT_RESULT_LOST', outcome: 'committed' })
  for (const node of nodes) t.same(await texts(node), commands, `${node.id} has applied each once`)
  t.equal(leader.state, 'leader')
})

t.test('a leader whose machine keeps throwing ends, and the others go on', async (t) => {
  const { nodes } = await start(t, 'n1', 'always')
  const [leader, other] = nodes as readonly [RaftNode, RaftNode]
  const settled = Promise.allSettled(propose(leader))
  const { reason, error } = await leader.closed
  t.equal(reason, 'failed')
  t.match(error, {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: new RegExp(`index ${FAIL_AT}.*planted failure`),
    details: { index: FAIL_AT },
  })
  let applied = 0
  for (const result of await settled) {
    if (result.status === 'fulfilled') applied++
    else t.match(result.reason, { outcome: /committed|unknown|rejected/ })
  }
  t.ok(applied < FAIL_AT, 'what came before it may have its result')
  await other.apply(Buffer.from('goes on'), { forward: true, timeoutMs: 20_000 })
  t.equal((await texts(other)).at(-1), 'goes on')
})

t.test('a follower whose machine keeps throwing ends; mended, it catches up', async (t) => {
  const { cluster, nodes } = await start(t, 'n3', 'always')
  const [leader, , victim] = nodes as readonly [RaftNode, RaftNode, RaftNode]
  const applied = await Promise.all(propose(leader))
  t.match(await victim.closed, {
    reason: 'failed',
    error: { code: 'RAFT_STATE_MACHINE_FAILED', details: { index: FAIL_AT } },
  })
  t.match(await errorOf(victim.query('all' as never)), { code: 'RAFT_STATE_MACHINE_FAILED' })
  await cluster.stop('n3')
  const again = cluster.start('n3')
  const broken = await again.then((node) => node.closed).catch((error) => ({ error }))
  t.match(broken, { error: { code: 'RAFT_STATE_MACHINE_FAILED' } }, 'unmended, it ends again')
  await cluster.stop('n3')
  const mended = await cluster.start('n3', { stateMachine: listMachine() })
  await mended.waitFor({ applied: applied.at(-1)?.index ?? 0 }, { timeoutMs: 10_000 })
  t.same(await texts(mended), commands)
})

t.test('a machine that fails behind a snapshot is restored from it', async (t) => {
  const { nodes } = await start(t, 'n1', 1)
  const [leader] = nodes as readonly [RaftNode]
  const early = commands.slice(0, 10)
  await Promise.all(early.map((text) => leader.apply(Buffer.from(text))))
  const { index } = await leader.snapshot()
  t.ok(index < FAIL_AT)
  await Promise.allSettled(propose(leader))
  for (const node of nodes) t.same(await texts(node), [...early, ...commands])
})
