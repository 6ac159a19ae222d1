import { rm } from 'node:fs/promises'
import t from 'tap'
import { DevCluster, devPlace } from '../helpers/dev-cluster.js'
import { missingAt, SteadyWrites } from '../helpers/steady-writes.js'
import { type TroupeProcess, troupe } from '../helpers/troupe-process.js'

interface Test {
  teardown(end: () => unknown): unknown
}

/** A node of `troupe serve`, in one process after the other. */
class ServedNode {
  readonly url: string
  readonly dir: string
  readonly #args: readonly string[]
  #process: TroupeProcess | null = null

  constructor(id: string, place: { readonly dir: string; readonly http: number }, join: string) {
    this.url = `http://127.0.0.1:${place.http}`
    this.dir = `${place.dir}/${id}`
    this.#args = [
      ...['serve', '--cluster', 'dev', '--id', id, '--dir', this.dir, '--join', join],
      ...['--raft', `127.0.0.1:${place.http + 10}`, '--http', `127.0.0.1:${place.http}`],
      ...['--heartbeat-timeout-ms', '500', '--log-level', 'warn'],
    ]
  }

  /** Resolves when reads and writes succeed through it; the test's end stops it. */
  async start(t: Test): Promise<TroupeProcess> {
    const started = troupe(this.#args)
    this.#process = started
    t.teardown(() => {
      started.signal('SIGTERM')
      return started.ended
    })
    await started.match('stdout', /^ready leader=/)
    return started
  }

  async stop(signal: NodeJS.Signals) {
    this.#process?.signal(signal)
    return this.#process?.ended
  }

  get ended() {
    return this.#process?.ended
  }
}

/** A command for the cluster that one node belongs to, which must succeed. */
async function command(url: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await troupe(args, { TROUPE_HTTP: url }).ended
  if (code !== 0) throw new Error(`troupe ${args.join(' ')} exited with ${code}: ${stderr}`)
  return stdout
}

t.test('a cluster under steady writes is taken through everything operators do', async (t) => {
  const place = await devPlace(t)
  const cluster = await DevCluster.start(t, place)
  const urls = (...nodes: readonly { readonly url: string }[]) => nodes.map(({ url }) => url)
  const dev = (id: string) => ({ url: cluster.node(id).http })
  const [n1, n2, n3] = [dev('n1'), dev('n2'), dev('n3')]
  const writes = new SteadyWrites(urls(n1, n2, n3), 4, 'w')
  t.teardown(() => writes.stop())
  await writes.more(20)

  const served = (id: string, offset: number) =>
    new ServedNode(id, { dir: place.dir, http: place.httpBase + offset }, n3.url)
  const [n4, n5] = [served('n4', 4), served('n5', 5)]
  for (const node of [n4, n5]) {
    const started = await node.start(t)
    t.match(started.output.stdout, /^joined through .* \(configuration \d+\)$/m)
  }
  writes.urls = urls(n1, n2, n3, n4, n5)
  await writes.more(20)

  t.equal(await command(n1.url, 'transfer', 'n4').then(leaderIn), 'n4')
  await writes.more(20)
  for (const id of ['n1', 'n2']) {
    await command(n5.url, 'remove', id)
    writes.urls = writes.urls.filter((url) => url !== dev(id).url)
    await cluster.process.match('stderr', new RegExp(`^${id} \\(pid \\d+\\) exited with code 0`))
  }
  await writes.more(20)
  for (const { url } of [n3, n4, n5]) await command(url, 'snapshot')

  // Each in turn, in whatever way: killed, asked to stop, and the leader among them.
  const line = await cluster.kill(cluster.node('n3'))
  await writes.more(20)
  await DevCluster.run(t, line).then((again) => again.match('stdout', /^ready leader=/))
  for (const node of [n4, n5]) {
    await node.stop(node === n4 ? 'SIGTERM' : 'SIGKILL')
    await writes.more(20)
    await node.start(t)
  }

  await command(n3.url, 'remove', 'n5')
  t.match(await n5.ended, { code: 0 })
  await rm(n5.dir, { recursive: true })
  await n5.start(t)
  await writes.more(20)

  const members = JSON.parse(await command(n3.url, 'members', '--json'))
  t.match(members.servers.map(({ id, suffrage }: Member) => `${id} ${suffrage}`).sort(), [
    'n3 voter',
    'n4 voter',
    'n5 voter',
  ])
  await writes.stop()
  t.strictSame(writes.refused, [], 'no write was refused for good, or done twice')
  for (const { url } of [n3, n4, n5]) t.strictSame(await missingAt(url, writes, 'w'), [])
  t.comment(`${writes.acknowledged.length} writes, ${writes.repeated} attempts repeated`)
})

interface Member {
  readonly id: string
  readonly suffrage: string
}

function leaderIn(output: string): string | undefined {
  return /^(\S+) leads/m.exec(output)?.[1]
}
