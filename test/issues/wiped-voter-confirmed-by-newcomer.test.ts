import t from 'tap'
import { cutOff, servingThree } from './support/serving-three.js'

/** Found by seed 306: a voter that had lost its disk led with an empty log. */
t.test('S16: whoever holds no members cannot confirm that a voter is new', async (t) => {
  const { cluster, leader, followers } = await servingThree()
  const [newcomer, spoiled] = followers
  const { network } = cluster

  // One member is replaced. It hears the leader's heartbeats, so it may vote, and holds nothing yet.
  cluster.change(leader, { kind: 'removeServer', peer: newcomer.id }, 0)
  const members = () => cluster.view.statusOf(leader.id)?.configuration.configuration.servers ?? []
  await cluster.run(10_000, () => members().length === 2)
  cluster.wipe(newcomer)
  cluster.restart(newcomer)
  network.cut(leader.address, newcomer.address, 'data')
  const { id, address } = newcomer
  // Refused while the removed one is still being told.
  while (members().length < 3) {
    cluster.change(leader, { kind: 'addVoter', server: { id, address }, immediate: true }, 0)
    await cluster.run(100)
  }
  await cluster.run(10_000, () => (cluster.view.statusOf(id)?.term ?? 0) > 0)
  t.equal(cluster.view.statusOf(id)?.lastLogIndex, 0)

  // Another one loses its disk, starts as it did the first time, and reaches only the newcomer.
  cluster.crash(spoiled)
  cluster.operator.ruin(spoiled)
  spoiled.loseDisks()
  cutOff(cluster, leader)
  cluster.restart(spoiled)
  const elections = cluster.checks.elections
  await cluster.run(20_000)
  t.equal(cluster.checks.elections, elections, 'nobody is elected without the log')

  network.heal()
  cluster.quiesce()
  cluster.operator.rest()
  await cluster.run(60_000, () => cluster.converged)
  t.ok(cluster.converged, 'it was removed, wiped, and added again')
  cluster.compare()
})
