import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { now } from '../../lib/runtime/clock.js'
import type { ClosedLoop, LoadFigures } from '../cluster/node-calls.js'
import { Latencies } from '../latencies.js'

/** One node of antietcd in a process of its own; it takes the same JSON lines as the Go programs. */

interface AntiEtcd {
  start(): Promise<void>
  on(event: 'raftchange', listener: (change: { readonly state: string }) => void): void
  put(request: { readonly key: string; readonly value: string }): Promise<unknown>
}

type Command =
  | ({ readonly kind: 'load'; readonly warmUpSeconds: number } & ClosedLoop)
  | { readonly kind: 'stop' }

const [id = '', cluster = '', dir = ''] = process.argv.slice(2)
const port = Number(new URL(new Map(pairs(cluster)).get(id) ?? '').port)

function pairs(text: string): (readonly [string, string])[] {
  return text.split(',').map((pair) => {
    const [name = '', url = ''] = pair.split('=')
    return [name, url]
  })
}

function report(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Its default: every change is on disk, flushed, on every node before it is acknowledged. */
function start(): AntiEtcd {
  const Server = createRequire(import.meta.url)('antietcd') as new (options: object) => AntiEtcd
  mkdirSync(dir, { recursive: true })
  return new Server({
    node_id: id,
    cluster,
    cluster_key: 'bench',
    ip: '127.0.0.1',
    port,
    data: join(dir, 'data.gz'),
    election_timeout: 1000,
    heartbeat_timeout: 100,
    // Under load an answer takes longer than the second that it gives it otherwise.
    replication_timeout: 60_000,
  })
}

async function closedLoop(
  server: AntiEtcd,
  { inflight, size, seconds }: ClosedLoop,
): Promise<Latencies> {
  const value = Buffer.alloc(Math.max(size, 8), 120)
  let sentBefore = 0
  const end = now() + seconds * 1000
  const latencies = new Latencies()
  const client = async (_: unknown, number: number): Promise<void> => {
    // A key a client: the file that is written at each change stays as small as it can be.
    const key = Buffer.from(`/key-${number}`).toString('base64')
    for (let sent = now(); sent < end; ) {
      // Each differs from the one before: it neither sends nor writes what does not change.
      value.writeDoubleLE(sentBefore++)
      await server.put({ key, value: value.toString('base64') })
      const done = now()
      if (done <= end) latencies.record(done - sent)
      sent = done
    }
  }
  await Promise.all(Array.from({ length: inflight }, client))
  return latencies
}

async function load(
  server: AntiEtcd,
  options: Extract<Command, { kind: 'load' }>,
): Promise<LoadFigures> {
  const { inflight, size, seconds, warmUpSeconds } = options
  await closedLoop(server, { inflight, size, seconds: warmUpSeconds })
  const latencies = await closedLoop(server, { inflight, size, seconds })
  const ops_s = Math.round(latencies.count / seconds)
  const rss_mb = Math.round(process.memoryUsage.rss() / 2 ** 20)
  // It writes its whole file, and flushes it, for each change.
  return { ops_s, ...latencies.figures(), rss_mb, flushes_s: ops_s }
}

const server = start()
await server.start()
server.on('raftchange', ({ state }) => {
  if (state === 'leader') report({ kind: 'leading' })
})
createInterface(process.stdin)
  .on('line', (line) => {
    const command = JSON.parse(line) as Command
    if (command.kind === 'stop') process.exit(0)
    load(server, command).then(
      (figures) => report({ kind: 'measured', figures }),
      (error) => report({ kind: 'failed', message: String(error) }),
    )
  })
  .on('close', () => process.exit(0))
