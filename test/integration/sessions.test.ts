import t from 'tap'
import { startProcesses } from './support/processes.js'
import { SessionStream } from './support/session-stream.js'

t.test('leaders are killed under a stream of commands: none is lost, none doubled', async (t) => {
  const cluster = await startProcesses({
    heartbeatTimeoutMs: 800,
    snapshotThresholdEntries: 300,
    snapshotIntervalMs: 200,
  })
  t.teardown(() => cluster.close())
  const first = await cluster.leader()
  const [client] = await cluster.followers()
  if (client === undefined) return t.fail('there are followers')
  const stream = new SessionStream(client)
  await stream.more(200)

  await first.kill()
  await stream.more(200)
  await first.start()
  await stream.more(200)
  const second = await cluster.leader()
  if (second !== client) {
    await second.kill()
    await stream.more(200)
    await second.start()
  }
  await stream.more(100)
  await stream.stop()

  t.strictSame(
    stream.ends.filter((end) => end !== 'applied'),
    [],
    'every command has succeeded, as its caller saw it',
  )
  const texts = (await client.call({ kind: 'texts' })) as readonly string[]
  const applied = texts.filter((text) => text.startsWith(`${client.id}.`))
  t.equal(applied.length, stream.sent.length, 'none lost, none doubled')
  t.strictSame([...new Set(applied)].sort(), [...stream.sent].sort())
})
