import t from 'tap'
import type { DeathNote } from '../fixtures/programs/raft-process.js'
import { type NodeProcess, type Processes, startProcesses } from './support/processes.js'
import { SessionStream } from './support/session-stream.js'
import { agree, oneOf } from './support/survivors.js'

/** S5: whatever a process was about to write, or had just written, when it died: nothing acknowledged is lost. */

/** Both sides of every point in the long run; the usual one takes the harder side of the slow ones. */
const LONG = process.env.TROUPE_LONG === '1'
const config = { heartbeatTimeoutMs: 800, trailingLogEntries: 10 }

/** Has the others hand over to a node until it dies of it: a transfer may come to nothing under load. */
async function campaign({ nodes }: Processes, victim: NodeProcess): Promise<void> {
  let dead = false
  const died = victim.died().then(() => {
    dead = true
  })
  while (!dead) {
    const asked = nodes
      .filter((node) => node !== victim)
      .map((node) => node.call({ kind: 'transfer', to: victim.id }).catch(() => {}))
    await Promise.race([died, Promise.all(asked)])
  }
}

/** After an append is before its flush. */
const onTheWay: readonly DeathNote[] = [
  ...(LONG ? [{ at: 'append', when: 'before', pass: 3 } as const] : []),
  { at: 'flush', when: 'before', pass: 3 },
  { at: 'flush', when: 'after', pass: 3 },
]

t.test('a follower, then a leader, dies at an append to its log, or at its flush', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const note of onTheWay) {
    await t.test(`${note.when} ${note.at}`, async (t) => {
      const leader = await cluster.leader()
      const follower = oneOf(await cluster.followers())
      const client = oneOf(await cluster.followers(), follower)
      const stream = new SessionStream(client)
      await stream.more(40)
      for (const victim of [follower, leader]) {
        await victim.call({ kind: 'dieAt', note })
        await victim.died()
        await stream.more(40)
        await victim.start()
      }
      await agree(t, cluster, stream)
    })
  }
})

t.test('a node dies at its own vote, and votes or leads later', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const when of LONG ? (['before', 'after'] as const) : (['after'] as const)) {
    await t.test(`${when} its term and vote are saved`, async (t) => {
      const victim = oneOf(await cluster.followers())
      const stream = new SessionStream(oneOf(await cluster.followers(), victim))
      await stream.more(40)
      await victim.call({ kind: 'dieAt', note: { at: 'set', when } })
      await campaign(cluster, victim)
      await stream.more(40)
      await victim.start()
      await agree(t, cluster, stream)
    })
  }
})

t.test('a node dies at the compaction that follows its snapshot', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const when of LONG ? (['before', 'after'] as const) : (['after'] as const)) {
    await t.test(`${when} the log is compacted`, async (t) => {
      const victim = oneOf(await cluster.followers())
      const stream = new SessionStream(oneOf(await cluster.followers(), victim))
      await stream.more(120)
      await victim.call({ kind: 'dieAt', note: { at: 'compact', when } })
      victim.call({ kind: 'snapshot' }).catch(() => {})
      await victim.died()
      await victim.start()
      await stream.more(40)
      await agree(t, cluster, stream)
    })
  }
})

/** Kills a leader whose log ends with entries that nobody else has: the others were dead meanwhile. */
async function strand(cluster: Processes): Promise<NodeProcess> {
  for (;;) {
    const former = await cluster.leader()
    const followers = cluster.nodes.filter((node) => node !== former)
    const before = await former.status()
    // What is sent to a process that merely stands still waits for it in its sockets.
    await Promise.all(followers.map((node) => node.kill()))
    void former.call({ kind: 'apply', count: 5, bytes: 8 }).catch(() => {})
    let now = await former.status()
    while (now.state === 'leader' && now.flushedIndex === before.flushedIndex) {
      now = await former.status()
    }
    const stranded = now.flushedIndex > before.flushedIndex
    if (stranded) await former.kill()
    await Promise.all(followers.map((node) => node.start()))
    if (stranded) return former
  }
}

t.test('a former leader dies while it cuts off what nobody else has', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const when of LONG ? (['before', 'after'] as const) : (['before'] as const)) {
    await t.test(`${when} the truncation`, async (t) => {
      const former = await strand(cluster)
      const stream = new SessionStream(oneOf(cluster.nodes, former))
      await stream.more(40)
      await former.start({ at: 'truncate', when })
      await former.died()
      await former.start()
      await stream.more(40)
      await agree(t, cluster, stream)
    })
  }
})
