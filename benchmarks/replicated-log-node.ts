import {
  lmdbStore,
  memoryStore,
  RaftNode,
  stateMachine,
  tcpTransport,
  walStore,
} from '../lib/index.js'

/** One node of the replicated-log benchmark; the parent process tells it what to do. */
export interface NodeSetup {
  readonly id: string
  readonly members: readonly { readonly id: string; readonly address: string }[]
  readonly dataDir: string
  readonly store: string
  readonly consensus: string
}

export type NodeCommand =
  | {
      readonly kind: 'load'
      readonly inflight: number
      readonly size: number
      readonly seconds: number
      readonly warmUpSeconds: number
    }
  | { readonly kind: 'stop' }

export interface LoadFigures {
  readonly ops_s: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
  readonly rss_mb: number
  readonly flushes_s: number
}

export type NodeReport =
  | { readonly kind: 'leading' }
  | { readonly kind: 'measured'; readonly figures: LoadFigures }
  | { readonly kind: 'failed'; readonly message: string }

const setup = JSON.parse(process.argv[2] ?? '{}') as NodeSetup
const report = (message: NodeReport): void => {
  process.send?.(message)
}

try {
  const node = await start()
  node.on('state', ({ role }) => {
    if (role === 'leader') report({ kind: 'leading' })
  })
  if (node.state === 'leader') report({ kind: 'leading' })
  process.on('message', (command: NodeCommand) => {
    void obey(node, command)
  })
} catch (error) {
  report({ kind: 'failed', message: String(error) })
}

async function start() {
  const stores = { lmdb: lmdbStore, wal: walStore, memory: memoryStore }
  const store = stores[setup.store as keyof typeof stores]
  const self = setup.members.find((member) => member.id === setup.id)
  return await RaftNode.start({
    cluster: 'bench',
    id: setup.id,
    dataDir: setup.dataDir,
    transport: tcpTransport({ listen: self?.address ?? '' }),
    store: store(),
    stateMachine: stateMachine(new URL('./machines/count-machine.js', import.meta.url)),
    bootstrap: setup.members.map((member) => ({ ...member, suffrage: 'voter' as const })),
    threads: { consensus: setup.consensus === 'worker' ? 'worker' : 'caller' },
  })
}

type Node = Awaited<ReturnType<typeof start>>

async function obey(node: Node, command: NodeCommand): Promise<void> {
  if (command.kind === 'stop') {
    await node.close()
    process.disconnect()
    return
  }
  try {
    report({ kind: 'measured', figures: await load(node, command) })
  } catch (error) {
    report({ kind: 'failed', message: String(error) })
  }
}

async function load(
  node: Node,
  command: Extract<NodeCommand, { kind: 'load' }>,
): Promise<LoadFigures> {
  const { inflight, size, seconds, warmUpSeconds } = command
  const payload = new Uint8Array(size).fill(120)
  // Code is compiled by use: with one command in flight that would take minutes.
  await closedLoop(node, payload, Math.max(inflight, 256), warmUpSeconds)
  const before = await node.logStats()
  const latencies = await closedLoop(node, payload, inflight, seconds)
  const after = await node.logStats()
  return summary(latencies, seconds, after.flushes - before.flushes)
}

/** So many clients, each with one command at a time. Resolves with the latencies in ms. */
async function closedLoop(
  node: Node,
  payload: Uint8Array,
  inflight: number,
  seconds: number,
): Promise<number[]> {
  const end = performance.now() + seconds * 1000
  const latencies: number[] = []
  const client = async (): Promise<void> => {
    for (let sent = performance.now(); sent < end; ) {
      await node.apply(payload)
      const now = performance.now()
      if (now <= end) latencies.push(now - sent)
      sent = now
    }
  }
  await Promise.all(Array.from({ length: inflight }, client))
  return latencies
}

function summary(latencies: number[], seconds: number, flushes: number): LoadFigures {
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (q: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN, 3)
  return {
    ops_s: Math.round(sorted.length / seconds),
    p50_ms: quantile(0.5),
    p99_ms: quantile(0.99),
    p999_ms: quantile(0.999),
    rss_mb: Math.round(process.memoryUsage().rss / 2 ** 20),
    flushes_s: Math.round(flushes / seconds),
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
