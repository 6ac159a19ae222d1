import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stateMachine } from '../../../lib/fsm/define.js'
import { lmdbStore } from '../../../lib/log/stores.js'
import type { RaftEvent } from '../../../lib/node/events.js'
import type { RaftNodeOptions } from '../../../lib/node/options.js'
import { RaftNode } from '../../../lib/node/raft-node.js'
import { tcpTransport } from '../../../lib/transport/transports.js'
import type { StreamAnswer } from '../../fixtures/machines/stream.js'
import { TcpProxy } from '../../helpers/tcp-proxy.js'
import { freePort } from './processes.js'

export const pairConfig = {
  heartbeatTimeoutMs: 800,
  trailingLogEntries: 0,
  snapshotIntervalMs: 3_600_000,
  snapshotChunkBytes: 64 * 1024,
  compressSnapshots: false,
}

/** A voter, n1, and a nonvoter, n2, which n1 reaches through a proxy; their state is a stream. */
export class SnapshotPair {
  readonly dir: string
  readonly proxy: TcpProxy
  readonly bootstrap: NonNullable<RaftNodeOptions['bootstrap']>
  readonly #config: RaftNodeOptions['config']
  readonly #listen: Readonly<Record<string, string>>
  readonly #nodes = new Map<string, RaftNode>()
  /** Snapshot and progress events of both, as `n1 snapshot sent 5`, oldest first. */
  readonly events: string[] = []

  private constructor(
    dir: string,
    proxy: TcpProxy,
    listen: Readonly<Record<string, string>>,
    config: RaftNodeOptions['config'],
  ) {
    this.dir = dir
    this.proxy = proxy
    this.#listen = listen
    this.#config = config
    this.bootstrap = [
      { id: 'n1', address: listen.n1 ?? '' },
      { id: 'n2', address: proxy.address, suffrage: 'nonvoter' },
    ]
  }

  /** n1 runs and leads; `t` closes everything. */
  static async start(t: Closing, config: RaftNodeOptions['config'] = {}): Promise<SnapshotPair> {
    const dir = await mkdtemp(join(tmpdir(), 'troupe-pair-'))
    const [n1, n2] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const proxy = await TcpProxy.start(n2)
    const pair = new SnapshotPair(dir, proxy, { n1, n2 }, { ...pairConfig, ...config })
    t.teardown(() => pair.remove())
    const sender = await pair.startNode('n1')
    await sender.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
    return pair
  }

  get sender(): RaftNode {
    return this.node('n1')
  }

  node(id: string): RaftNode {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`${id} does not run`)
    return node
  }

  setup(id: string) {
    const listen = this.#listen[id] ?? ''
    const advertise = this.bootstrap.find((server) => server.id === id)?.address ?? ''
    const { bootstrap } = this
    const config = this.#config ?? {}
    return { id, listen, advertise, dataDir: join(this.dir, id), bootstrap, config }
  }

  async startNode(id: string): Promise<RaftNode> {
    const { listen, advertise, ...setup } = this.setup(id)
    const node = await RaftNode.start({
      ...setup,
      cluster: 'snapshots',
      transport: tcpTransport({ listen, advertise }),
      store: lmdbStore(),
      stateMachine: stateMachine(new URL('../../fixtures/machines/stream.js', import.meta.url)),
    })
    this.#nodes.set(id, node)
    node.on('snapshot', (event: Extract<RaftEvent, { kind: 'snapshot' }>) => {
      this.events.push(`${id} ${event.change} ${event.index}`)
    })
    return node
  }

  async stop(id: string): Promise<void> {
    const node = this.#nodes.get(id)
    this.#nodes.delete(id)
    await node?.close()
  }

  /** A state of so many bytes on n1, and a snapshot of it; the log before it is gone. */
  async fill(bytes: number): Promise<number> {
    await this.sender.apply(Buffer.from(`size ${bytes}`))
    return (await this.sender.snapshot()).index
  }

  /** n2 has everything; returns what its machine says. */
  async caughtUp(): Promise<StreamAnswer> {
    const { index } = await this.sender.apply(Buffer.from('the last one'))
    await this.node('n2').waitFor({ applied: index }, { timeoutMs: 60_000 })
    return answerOf(this.node('n2'))
  }

  snapshotFiles(id: string): Promise<string[]> {
    return readdir(join(this.dir, id, 'snapshots'))
  }

  async remove(): Promise<void> {
    this.proxy.release()
    await Promise.all([...this.#nodes.keys()].map((id) => this.stop(id)))
    await this.proxy.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

export async function answerOf(node: RaftNode): Promise<StreamAnswer> {
  const { result } = await node.query(undefined as never, { consistency: 'stale' })
  return result as unknown as StreamAnswer
}

interface Closing {
  teardown(fn: () => Promise<void>): void
}
