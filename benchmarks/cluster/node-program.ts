import {
  lmdbStore,
  memoryStore,
  RaftNode,
  type RaftNodeOptions,
  stateMachine,
  tcpTransport,
  walStore,
} from '../../lib/index.js'
import { BenchNode } from './bench-node.js'
import type { CallMessage, NodeReport, NodeSetup } from './node-calls.js'

/** One node of a benchmark in a process of its own; the parent process tells it what to do. */

const setup = JSON.parse(process.argv[2] ?? '{}') as NodeSetup
const stores = { lmdb: lmdbStore, wal: walStore, memory: memoryStore }
const stalls = { log: new SharedArrayBuffer(4), fsm: new SharedArrayBuffer(4) }

function report(message: NodeReport): void {
  if (process.connected) process.send?.(message)
}

function storeSpec(): NonNullable<RaftNodeOptions['store']> {
  if (!setup.stallable) return stores[setup.store]()
  const module = new URL('../machines/stalling-store.js', import.meta.url)
  return { module, options: { stallMs: stalls.log } }
}

/** As `threads: 'shared'`, with single actors elsewhere. */
const SHARED = { consensus: 'shared', inbound: 'shared', replicators: 'shared' } as const

async function start(): Promise<RaftNode> {
  return await RaftNode.start({
    cluster: 'bench',
    id: setup.id,
    dataDir: setup.dataDir,
    transport: tcpTransport({ listen: setup.listen }),
    store: storeSpec(),
    stateMachine: stateMachine(
      new URL(`../machines/${setup.machine}-machine.js`, import.meta.url),
      {
        stallMs: setup.stallable ? stalls.fsm : null,
      },
    ),
    bootstrap: setup.members.length === 0 ? undefined : setup.members,
    threads: {
      ...(setup.threads === 'shared' ? SHARED : { consensus: setup.consensus }),
      ...Object.fromEntries(setup.caller.map((actor) => [actor, 'caller'])),
    },
    config: setup.config,
  })
}

// A benchmark that was ended leaves no node behind, nor does one that has closed its node.
process.once('disconnect', () => process.exit())

try {
  const node = await start()
  const bench = new BenchNode(node, stalls)
  node.on('state', ({ role }) => {
    if (role === 'leader') report({ kind: 'leading' })
  })
  process.on('message', (message: CallMessage) => {
    bench.call(message).then(
      (value) => {
        report({ kind: 'answered', call: message.call, value })
        if (message.name === 'close') process.disconnect()
      },
      (error) => report({ kind: 'failed', call: message.call, message: String(error) }),
    )
  })
  report({ kind: 'ready' })
  if (node.state === 'leader') report({ kind: 'leading' })
} catch (error) {
  report({ kind: 'failed', call: 0, message: String(error) })
  if (process.connected) process.disconnect()
}
