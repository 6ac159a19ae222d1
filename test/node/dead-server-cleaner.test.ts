import t from 'tap'
import type { PeerReport } from '../../actors/consensus/protocol.js'
import { FakeConsensus } from './fixtures/fake-consensus.js'

const GRACE = 10_000
const servers = ['n1', 'n2', 'n3', 'n4'].map((id) => ({
  id,
  address: `${id}:7701`,
  suffrage: 'voter' as const,
  addedAt: 1,
}))

/** The leader n1 of four, whose n4 is silent since it leads. */
async function stage(grace = GRACE) {
  const consensus = new FakeConsensus({ deadServerGraceMs: grace })
  consensus.status({ configuration: { index: 7, configuration: { servers } } })
  consensus.status({ committedConfigurationIndex: 7 })
  consensus.lead(2)
  const { time } = consensus
  const since = time.now()
  const report = (id: string, lastContactMs: number): PeerReport => ({
    id,
    lastContactMs,
    matchIndex: 5,
    roundTripMs: 1,
    incarnation: 'known',
  })
  /** Time passes, and consensus answers as often as it is asked. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      await time.advance(500)
      for (const { id } of consensus.take('peers')) {
        const peers = [report('n2', 5), report('n3', 5), report('n4', time.now() - since)]
        consensus.reply({ kind: 'peersDone', id, peers })
      }
      await time.advance(0)
    }
  }
  return { consensus, pass }
}

t.test('off by default', async (t) => {
  const { consensus, pass } = await stage(0)
  await pass(60_000)
  t.strictSame(consensus.told, [])
})

t.test('R-10: a dead server is removed, by compare-and-set, and once', async (t) => {
  const { consensus, pass } = await stage()
  await pass(GRACE - 500)
  t.strictSame(consensus.take('changeMembers'), [])
  await pass(1500)
  const [change, ...more] = consensus.take('changeMembers')
  t.match(change, { change: { kind: 'removeServer', peer: 'n4' }, prevIndex: 7 })
  await pass(3000)
  t.strictSame([...more, ...consensus.take('changeMembers')], [], 'not while one is under way')
})

t.test('a leader that was held up itself removes nobody', async (t) => {
  const { consensus, pass } = await stage()
  consensus.status({ loopDelayMs: 3000 })
  await pass(2 * GRACE)
  t.strictSame(consensus.take('changeMembers'), [])
  consensus.status({ loopDelayMs: 3 })
  await pass(1500)
  t.equal(consensus.take('changeMembers').length, 1)
})

t.test('nor one whose entries do not commit', async (t) => {
  const { consensus, pass } = await stage()
  consensus.status({ commitIndex: 5, lastLogIndex: 9 })
  await pass(2 * GRACE)
  t.strictSame(consensus.take('changeMembers'), [])
})

t.test('nor in a term that has just begun, nor on a follower', async (t) => {
  const { consensus, pass } = await stage()
  await pass(GRACE - 500)
  consensus.follow('n2', 3).lead(4)
  await pass(GRACE - 500)
  t.strictSame(consensus.take('changeMembers'), [])
  consensus.follow('n2', 5)
  consensus.told.length = 0
  await pass(2 * GRACE)
  t.strictSame(consensus.told, [])
})
