import t, { type Test } from 'tap'
import { allocateLeaderBoard, LeaderBoardWriter } from '../../../actors/consensus/leader-board.js'
import type { ReplicatorInit } from '../../../actors/replicator/protocol.js'
import { createActor } from '../../../actors/replicator/replicator-actor.js'
import type { ActorContext } from '../../../lib/runtime/actor.js'
import { createActorSystem } from '../../../lib/runtime/index.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'
import { memoryNetwork, memoryTransport } from '../../../lib/transport/memory-transport.js'
import type { TransportSpec } from '../../../lib/transport/transport.js'
import { tcpTransport } from '../../../lib/transport/transports.js'
import { ConsensusStub } from './support/consensus-stub.js'
import { FollowerActor } from './support/follower-actor.js'
import { benchConfig, SLOT } from './support/replicator-bench.js'

const module = new URL('../../../actors/replicator/replicator-actor.js', import.meta.url)
const nowhere = new URL('inline:')

interface Host {
  readonly name: string
  readonly placement: 'inline' | 'thread'
  specs(): { readonly leader: TransportSpec; readonly follower: TransportSpec }
}

const hosts: readonly Host[] = [
  {
    name: 'inline, in memory',
    placement: 'inline',
    specs: () => {
      const network = memoryNetwork()
      return { leader: memoryTransport(network, 'n1'), follower: memoryTransport(network, 'n2') }
    },
  },
  {
    name: 'on a thread, over TCP',
    placement: 'thread',
    specs: () => {
      const spec = tcpTransport({ listen: '127.0.0.1:0' })
      return { leader: spec, follower: spec }
    },
  },
]

async function stage(t: Test, host: Host) {
  const system = createActorSystem()
  t.teardown(() => system.close())
  const { leader, follower } = host.specs()
  const peers: FollowerActor[] = []
  const create = async (_init: unknown, context: ActorContext) => {
    const peer = await FollowerActor.create(follower, context)
    peers.push(peer)
    return peer
  }
  const actor = { module: nowhere, init: null, placement: 'inline' } as const
  await system.spawn({ ...actor, name: 'n2', create })
  const [peer] = peers
  if (peer === undefined) throw new Error('the follower was not created')
  const consensus = new ConsensusStub()
  const stub = await system.spawn({ ...actor, name: 'consensus', create: () => consensus })
  const leaderBoard = allocateLeaderBoard()
  const init: ReplicatorInit = {
    nodeId: 'n1',
    cluster: 'orders',
    incarnation: 'inc-1',
    standing: { generation: '-', addedAt: 1 },
    peer: 'n2',
    address: peer.address,
    transport: leader,
    pinSlot: SLOT,
    leaderBoard,
    config: { ...benchConfig, heartbeatIntervalMs: 10, commitTimeoutMs: 5 },
  }
  const board = new LeaderBoardWriter(new SharedWords(leaderBoard))
  board.consensusAliveAt = system.now()
  const spec = { name: 'replicator-n2', module, create: createActor, init }
  const replicator = await system.spawn({ ...spec, placement: host.placement })
  system.link(stub, 'replicator-n2', replicator)
  system.link(replicator, 'consensus', stub)
  return { system, consensus, peer, board, replicator }
}

for (const host of hosts) {
  t.test(`${host.name}: it connects, heartbeats and replicates`, async (t) => {
    const { consensus, peer } = await stage(t, host)
    t.match(await consensus.until('peerHealth'), { change: 'active' })
    await consensus.until('heartbeatAck')
    consensus.append(500)
    await consensus.until('matched', ({ matchIndex }) => matchIndex === 500)
    t.equal(peer.model.durableIndex, 500)
  })

  t.test(
    `${host.name}: connections that break are made anew, and nothing is missing`,
    async (t) => {
      const { consensus, peer } = await stage(t, host)
      for (let round = 1; round <= 3; round++) {
        consensus.append(50)
        await consensus.until('matched', ({ matchIndex }) => matchIndex === 50 * round)
        peer.hangUp()
      }
      consensus.append(50)
      await consensus.until('matched', ({ matchIndex }) => matchIndex === 200)
      t.equal(peer.model.durableIndex, 200)
    },
  )

  t.test(`${host.name}: an idle follower hears of the commit index`, async (t) => {
    const { consensus, peer, board } = await stage(t, host)
    consensus.append(20)
    await consensus.until('matched', ({ matchIndex }) => matchIndex === 20)
    board.commitIndex = 20
    const acks = () => consensus.told.filter(({ kind }) => kind === 'heartbeatAck').length
    for (let seen = acks(); peer.model.commitIndex < 20; seen++) {
      await consensus.until('heartbeatAck', () => acks() > seen)
    }
    t.equal(peer.model.commitIndex, 20)
  })

  t.test(`${host.name}: S11: a silent consensus is noticed without its help`, async (t) => {
    const { consensus, board, system } = await stage(t, host)
    await consensus.until('heartbeatAck')
    board.consensusAliveAt = system.now() - 6000
    t.match(await consensus.until('stalled'), { peer: 'n2' })
    t.ok(board.isRevoked(7))
  })
}
