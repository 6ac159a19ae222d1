import t from 'tap'
import { type NodeProcess, startProcesses } from './support/processes.js'

/** Commands through one process's session, batch after batch, until it is told to stop. */
class SessionStream {
  readonly ends: string[] = []
  readonly sent: string[] = []
  readonly stopped: Promise<void>
  readonly #process: NodeProcess
  #stop = false
  #wake: () => void = () => {}

  constructor(process: NodeProcess) {
    this.#process = process
    this.stopped = this.#run()
  }

  /** Resolves once so many more commands have ended. */
  async more(count: number): Promise<void> {
    const goal = this.ends.length + count
    while (this.ends.length < goal) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async stop(): Promise<void> {
    this.#stop = true
    await this.stopped
  }

  async #run(): Promise<void> {
    while (!this.#stop) {
      const from = this.sent.length
      const texts = Array.from({ length: 40 }, (_, i) => `${this.#process.id}.${from + i}`)
      this.sent.push(...texts)
      const ends = await this.#process.call({ kind: 'sessionApply', texts })
      this.ends.push(...(ends as string[]))
      this.#wake()
    }
  }
}

t.test('leaders are killed under a stream of commands: none is lost, none doubled', async (t) => {
  const cluster = await startProcesses({
    heartbeatTimeoutMs: 300,
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
