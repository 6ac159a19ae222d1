import { rm } from 'node:fs/promises'
import t from 'tap'
import { DevCluster, devPlace } from '../helpers/dev-cluster.js'
import { WriteStream } from '../helpers/write-stream.js'

t.test('the leader is killed during writes: no acknowledged write is lost', async (t) => {
  const cluster = await DevCluster.start(t, await devPlace(t))
  const clients = cluster.followers.map(({ client }) => client)
  const stream = new WriteStream([...clients, ...clients], 'k')
  await stream.more(20)

  const command = await cluster.kill(cluster.leader)
  await stream.more(20)
  t.ok(stream.longestGapMs < 3000, `writes paused for ${Math.round(stream.longestGapMs)} ms`)

  // The printed line brings it back, and it catches up with what it has missed.
  const restarted = await DevCluster.run(t, command)
  await restarted.match('stdout', /^ready leader=/)
  await stream.stop()
  const last = stream.acknowledged.at(-1) ?? ''
  t.equal(await cluster.leader.client.get(last), last)
  const found = new Set(await cluster.leader.client.keys('k'))
  t.strictSame(
    stream.acknowledged.filter((key) => !found.has(key)),
    [],
    `${stream.acknowledged.length} acknowledged writes`,
  )
})

t.test('all nodes are killed at one moment: every acknowledged write is on disk', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place)
  const stream = new WriteStream(
    cluster.nodes.flatMap(({ client }) => [client, client, client]),
    'k',
  )
  await stream.more(30)
  for (const { pid } of cluster.nodes) process.kill(pid, 'SIGKILL')
  const { code } = await cluster.process.ended
  t.equal(code, 1, 'troupe dev ends when no node is left')
  await stream.stop()

  const again = await DevCluster.start(t, place)
  const found = new Set(await again.followers[0]?.client.keys('k'))
  t.strictSame(
    stream.acknowledged.filter((key) => !found.has(key)),
    [],
    `${stream.acknowledged.length} acknowledged writes`,
  )
})

t.test('a node whose directory is deleted does not come back as if it were new', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place)
  const [victim, other] = cluster.followers
  if (victim === undefined || other === undefined) return t.fail('there are two followers')
  await other.client.put('kept', 'yes')

  const command = await cluster.kill(victim)
  await rm(`${place.dir}/${victim.id}`, { recursive: true })
  const restarted = await DevCluster.run(t, command)
  const { code, stderr } = await restarted.ended
  t.equal(code, 1)
  t.match(stderr, /^troupe: RAFT_LOST_STATE: .+$/m)

  t.equal(await other.client.get('kept'), 'yes')
  await cluster.leader.client.put('after', 'yes')
})

t.test('a cluster started without one of its directories goes on with the others', async (t) => {
  const place = await devPlace(t)
  const first = await DevCluster.start(t, place)
  await first.leader.client.put('kept', 'yes')
  await first.stop()
  await rm(`${place.dir}/${first.leader.id}`, { recursive: true })

  const second = await DevCluster.start(t, place)
  await second.process.match('stderr', /RAFT_LOST_STATE/)
  const left = second.nodes.filter(({ id }) => id !== first.leader.id)
  for (const { client } of left) t.equal(await client.get('kept'), 'yes')
  t.not(second.leader.id, first.leader.id)
})
