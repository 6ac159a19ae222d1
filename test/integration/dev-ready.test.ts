import t from 'tap'
import { DevCluster, devArgs, devPlace } from '../helpers/dev-cluster.js'
import { mainPath, TroupeProcess } from '../helpers/troupe-process.js'

t.test('a local cluster serves every key through every node', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place)
  t.strictSame(
    cluster.nodes.map(({ id, http, raft }) => ({ id, http, raft })),
    [1, 2, 3].map((i) => ({
      id: `n${i}`,
      http: `http://127.0.0.1:${place.httpBase + i}`,
      raft: `127.0.0.1:${place.raftBase + i}`,
    })),
  )

  for (const [i, writer] of cluster.nodes.entries()) {
    const reader = cluster.nodes[(i + 1) % 3]
    await writer.client.put(`through-${writer.id}`, 'hello')
    t.equal(await reader?.client.get(`through-${writer.id}`), 'hello', `${writer.id}, at once`)
  }

  const status = await cluster.followers[0]?.client.status()
  t.match(status, { cluster: 'dev', leader: { id: cluster.leader.id, http: cluster.leader.http } })
  // A node whose leader is held up by a busy machine is not ready for that moment.
  for (const { client } of cluster.nodes) while (!(await client.isReady()));
})

t.test('values of every size up to 4 MiB go from any node to any other', async (t) => {
  const { followers, leader } = await DevCluster.start(t, await devPlace(t))
  const [writer, reader] = followers
  if (writer === undefined || reader === undefined) return t.fail('there are two followers')
  const limit = 4 * 1024 * 1024
  for (const size of [0, 64 * 1024, 1024 * 1024, limit]) {
    const value = new Uint8Array(size).fill(size % 251)
    await writer.client.put(`v${size}`, value)
    t.ok(Buffer.from(value).equals(await reader.client.getBytes(`v${size}`)), `${size} bytes`)
  }
  await t.rejects(writer.client.put('v', new Uint8Array(limit + 1)), /^413 .*ENTRY_TOO_LARGE/)
  t.equal(await leader.client.get('v'), null)
})

t.test('one Ctrl-C ends every process cleanly, and the data is there again', async (t) => {
  const place = await devPlace(t)
  const first = await DevCluster.start(t, place)
  await first.leader.client.put('kept', 'yes')

  // A terminal signals the whole group, and npm passes the signal on once more.
  first.process.signalGroup('SIGINT')
  first.process.signal('SIGINT')
  const { code, signal, stderr } = await first.process.ended
  t.strictSame({ code, signal }, { code: 0, signal: null })
  t.strictSame(complaints(stderr), [])
  for (const { pid, id } of first.nodes) t.throws(() => process.kill(pid, 0), `${id} is gone`)

  const second = await DevCluster.start(t, place)
  t.equal(await second.followers[0]?.client.get('kept'), 'yes')
  await second.stop()

  const fresh = await DevCluster.start(t, place, ['--fresh'])
  t.equal(await fresh.leader.client.get('kept'), null)
})

t.test('the cluster ends with the shell that npm has put between', async (t) => {
  const place = await devPlace(t)
  const line = [process.execPath, mainPath, ...devArgs(place)].join(' ')
  // What npm does on a signal: it ends the shell, which does not pass it on.
  const shell = new TroupeProcess('/bin/sh', ['-c', `${line}; :`], { npm_lifecycle_event: 'start' })
  t.teardown(() => shell.signalGroup('SIGKILL'))
  await shell.match('stdout', /^ready leader=/)
  shell.signal('SIGKILL')
  // Its output closes once the last process that writes to it is gone.
  const { stderr } = await shell.ended
  t.strictSame(complaints(stderr), [])
  const again = await DevCluster.start(t, place)
  t.equal(again.nodes.length, 3)
})

/** What a busy machine makes nodes say of their threads is no complaint about their end. */
function complaints(stderr: string): readonly string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.includes('elections are at risk'))
}
