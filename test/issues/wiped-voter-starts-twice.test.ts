import t from 'tap'
import { cutOff, servingThree } from './support/serving-three.js'

t.test('a voter that lost its disk gives no vote, however often it is started (S16)', async (t) => {
  const { cluster, leader, followers } = await servingThree()
  const [spoiled, behind] = followers

  // What is committed now is on the leader and on the one that is about to lose it.
  cutOff(cluster, behind)
  const { operations } = cluster.totals
  await cluster.run(5000, () => cluster.totals.operations > operations + 50)
  cluster.crash(leader)
  cluster.crash(spoiled)
  cluster.operator.ruin(spoiled)
  spoiled.loseDisks()

  cutOff(cluster, spoiled)
  cluster.restart(spoiled)
  await cluster.run(300)
  t.ok(spoiled.running, 'nobody could turn it away yet')
  cluster.crash(spoiled)
  cluster.restart(spoiled)
  cluster.network.healOneWay(spoiled.address, behind.address)
  cluster.network.healOneWay(behind.address, spoiled.address)
  const elections = cluster.checks.elections
  await cluster.run(10_000)
  t.equal(cluster.checks.elections, elections, 'two of three voters do not make a leader')

  cluster.network.heal()
  cluster.restart(leader)
  cluster.quiesce()
  cluster.operator.rest()
  await cluster.run(60_000, () => cluster.converged)
  t.ok(cluster.converged, 'it was removed, wiped, and added again')
  t.equal(cluster.operator.replaced, 1)
  cluster.compare()
})
