import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { DevCluster, devArgs, devPlace } from '../helpers/dev-cluster.js'
import { troupe } from '../helpers/troupe-process.js'

t.test('what a cluster holds is refused to a second process, and goes on', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place)
  const { id } = cluster.leader
  const serve = (more: readonly string[]) =>
    troupe([
      ...['serve', '--cluster', 'dev', '--id', id, '--http', '127.0.0.1:0'],
      ...['--raft', '127.0.0.1:0', '--dir', `${place.dir}/${id}`, ...more],
    ]).ended

  const locked = await serve([])
  t.equal(locked.code, 1)
  t.match(locked.stderr, /^troupe: RAFT_DATA_DIR_LOCKED: /m)

  const busy = await serve(['--dir', `${place.dir}/other`, '--raft', cluster.leader.raft])
  t.equal(busy.code, 1)
  t.match(busy.stderr, /^troupe: EADDRINUSE: --raft \S+ is in use by another process$/m)

  const twice = await troupe(devArgs(place)).ended
  t.equal(twice.code, 1)
  t.match(twice.stderr, /EADDRINUSE: .* choose another --http-port/)

  await t.rejects(fetch(`http://${cluster.leader.raft}/`), 'HTTP to the Raft port')
  t.type(await cluster.followers[0]?.client.put('still', 'here'), 'number')
})

t.test('a directory that belongs to another node or cluster is refused', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place, ['--nodes', '1'])
  await cluster.stop()
  const serve = (cluster: string, id: string) =>
    troupe([
      ...['serve', '--cluster', cluster, '--id', id, '--dir', `${place.dir}/n1`],
      ...['--http', '127.0.0.1:0', '--raft', '127.0.0.1:0'],
    ]).ended
  for (const [name, id] of [
    ['other', 'n1'],
    ['dev', 'n7'],
  ] as const) {
    const { code, stderr } = await serve(name, id)
    t.equal(code, 1)
    t.match(stderr, /^troupe: RAFT_DATA_DIR_FOREIGN: /m)
  }
})

t.test('an HTTP port in use ends the node that wanted it, cleanly', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  t.teardown(() => holder.close())
  const { port } = holder.address() as { port: number }
  const { code, stderr } = await troupe([
    ...['serve', '--cluster', 'c', '--id', 'n1', '--store', 'memory', '--log-level', 'error'],
    ...['--raft', '127.0.0.1:0', '--http', `127.0.0.1:${port}`],
  ]).ended
  t.equal(code, 1)
  t.equal(stderr, `troupe: EADDRINUSE: --http 127.0.0.1:${port} is in use by another process`)
})
