import t from 'tap'
import type { DeathNote } from '../fixtures/programs/raft-process.js'
import { type NodeProcess, type Processes, startProcesses } from './support/processes.js'
import { SessionStream } from './support/session-stream.js'
import { agree, oneOf } from './support/survivors.js'

/** S13: a process that dies while it makes a snapshot, or takes one of the leader's, has lost nothing. */

/** Both sides of every point in the long run; the usual one takes what has something to lose. */
const LONG = process.env.TROUPE_LONG === '1'
const config = { heartbeatTimeoutMs: 800, trailingLogEntries: 1 }

const bothSides = (...points: readonly DeathNote['at'][]): readonly DeathNote[] =>
  points.flatMap((at) => [
    { at, when: 'before' },
    { at, when: 'after' },
  ])

const making = LONG ? bothSides('snapshot flush', 'snapshot rename') : bothSides('snapshot rename')
const taking: readonly DeathNote[] = LONG
  ? bothSides('snapshot rename', 'reset')
  : [
      { at: 'snapshot rename', when: 'after' },
      { at: 'reset', when: 'before' },
    ]

t.test('a node dies while it makes a snapshot', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const note of making) {
    await t.test(`${note.when} the ${note.at}`, async (t) => {
      const victim = oneOf(await cluster.followers())
      const stream = new SessionStream(oneOf(await cluster.followers(), victim))
      await stream.more(80)
      await victim.call({ kind: 'dieAt', note })
      victim.call({ kind: 'snapshot' }).catch(() => {})
      await victim.died()
      await victim.start()
      await stream.more(40)
      await agree(t, cluster, stream)
      t.match(await victim.call({ kind: 'snapshot' }), Number, 'the next snapshot is made')
    })
  }
})

/** Kills a follower and lets the others compact away what it has not got. */
async function leaveBehind(cluster: Processes, stream: SessionStream, left: NodeProcess) {
  await left.kill()
  await stream.more(80)
  for (const node of cluster.nodes) if (node !== left) await node.call({ kind: 'snapshot' })
}

t.test('a follower dies while it takes the snapshot of its leader', async (t) => {
  const cluster = await startProcesses(config)
  t.teardown(() => cluster.close())
  for (const note of taking) {
    await t.test(`${note.when} the ${note.at}`, async (t) => {
      const victim = oneOf(await cluster.followers())
      const stream = new SessionStream(oneOf(await cluster.followers(), victim))
      await leaveBehind(cluster, stream, victim)
      await victim.start(note)
      await victim.died()
      await victim.start()
      await stream.more(40)
      await agree(t, cluster, stream)
    })
  }
})
