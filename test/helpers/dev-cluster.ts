import { freePortBase } from './free-ports.js'
import { KvClient } from './kv-client.js'
import { shell, type TroupeProcess, troupe } from './troupe-process.js'

export interface DevNode {
  readonly id: string
  readonly http: string
  readonly raft: string
  readonly pid: number
  readonly client: KvClient
}

/** What a test is given to clean up with, e.g. `t`. */
interface Test {
  testdir(): string
  teardown(end: () => unknown): unknown
}

/** Addresses and a directory, which outlive the processes that use them. */
export interface DevPlace {
  readonly dir: string
  readonly httpBase: number
  readonly raftBase: number
}

export async function devPlace(t: Pick<Test, 'testdir'>): Promise<DevPlace> {
  const base = await freePortBase(20)
  return { dir: `${t.testdir()}/cluster`, httpBase: base, raftBase: base + 10 }
}

export function devArgs({ dir, httpBase, raftBase }: DevPlace): readonly string[] {
  return ['dev', '--dir', dir, '--http-port', `${httpBase}`, '--raft-port', `${raftBase}`]
}

/** A cluster of `troupe dev` that is ready, as a test drives it. */
export class DevCluster {
  readonly process: TroupeProcess
  readonly nodes: readonly DevNode[]
  readonly leader: DevNode
  readonly followers: readonly DevNode[]

  private constructor(process: TroupeProcess, nodes: readonly DevNode[], leader: string) {
    this.process = process
    this.nodes = nodes
    this.leader = pick(nodes, (node) => node.id === leader)
    this.followers = nodes.filter((node) => node.id !== leader)
  }

  /** Resolves at `ready`; the test's end stops it. */
  static async start(t: Test, place: DevPlace, more: readonly string[] = []): Promise<DevCluster> {
    const running = troupe([...devArgs(place), ...more])
    t.teardown(() => DevCluster.stop(running))
    const [, leader = ''] = await running.match('stdout', /^ready leader=(\S+)$/)
    const nodes = running.output.stdout.split('\n').flatMap(nodeOf)
    return new DevCluster(running, nodes, leader)
  }

  static async stop(running: TroupeProcess) {
    running.signal('SIGINT')
    return running.ended
  }

  node(id: string): DevNode {
    return pick(this.nodes, (node) => node.id === id)
  }

  /** Stops it as Ctrl-C does; resolves when every process is gone. */
  async stop() {
    return DevCluster.stop(this.process)
  }

  /** Ends a node without warning; resolves with the line that `troupe dev` says starts it again. */
  async kill({ id, pid }: DevNode): Promise<string> {
    process.kill(pid, 'SIGKILL')
    const [line] = await this.process.match('stderr', new RegExp(`.*serve .*--id ${id} .*`))
    return line
  }

  /** Runs such a line; the test's end stops it. */
  static async run(t: Pick<Test, 'teardown'>, line: string): Promise<TroupeProcess> {
    const running = shell(line)
    t.teardown(() => {
      running.signalGroup('SIGTERM')
      return running.ended
    })
    return running
  }
}

function nodeOf(line: string): readonly DevNode[] {
  const [, id = '', http = '', raft = '', pid] =
    /^(\S+) (http:\S+) raft (\S+) pid (\d+)$/.exec(line) ?? []
  return pid === undefined ? [] : [{ id, http, raft, pid: Number(pid), client: new KvClient(http) }]
}

function pick<T>(all: readonly T[], matches: (one: T) => boolean): T {
  const found = all.find(matches)
  if (found === undefined) throw new Error('there is no such node')
  return found
}
