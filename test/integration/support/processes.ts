import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  DeathNote,
  ProcessAnswer,
  ProcessCommand,
  ProcessSetup,
  ProcessStatus,
} from '../../fixtures/programs/raft-process.js'

import type { FaultyNetwork } from './faulty-network.js'

/** One node in a process of its own. */
export class NodeProcess {
  readonly id: string
  readonly #setup: ProcessSetup
  readonly #calls = new Map<number, (answer: ProcessAnswer) => void>()
  #child: ChildProcess | null = null
  #call = 0

  constructor(setup: ProcessSetup) {
    this.id = setup.id
    this.#setup = setup
  }

  /** Resolves when it takes calls; `death`: it may die before that, and then this resolves as well. */
  async start(death?: DeathNote): Promise<void> {
    const script = new URL('../../fixtures/programs/raft-process.js', import.meta.url)
    const setup = death === undefined ? this.#setup : { ...this.#setup, death }
    const child = fork(script, [JSON.stringify(setup)], { serialization: 'advanced' })
    this.#child = child
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => {
        if (death !== undefined) resolve()
        reject(new Error(`${this.id} exited with code ${code}`))
      })
      child.on('message', (message: { ready?: true; call?: number; result?: ProcessAnswer }) => {
        if (message.ready === true) resolve()
        if (message.call === undefined || message.result === undefined) return
        this.#calls.get(message.call)?.(message.result)
        this.#calls.delete(message.call)
      })
    })
    await ready
  }

  async call(command: ProcessCommand): Promise<unknown> {
    const call = ++this.#call
    const answered = new Promise<ProcessAnswer>((resolve) => this.#calls.set(call, resolve))
    this.#child?.send({ call, command })
    const answer = await answered
    if (answer.ok) return answer.value
    throw Object.assign(new Error(answer.message), { code: answer.code })
  }

  async status(): Promise<ProcessStatus> {
    return (await this.call({ kind: 'status' })) as ProcessStatus
  }

  /** Resolves when the process has ended, whatever ended it. */
  async died(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    await once(child, 'exit')
  }

  /** Every thread of it stands still, as under a debugger or in a paused machine. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    this.resume()
    await this.call({ kind: 'close' })
    await exited
  }
}

export interface Processes {
  readonly nodes: readonly NodeProcess[]
  leader(): Promise<NodeProcess>
  followers(): Promise<readonly NodeProcess[]>
  close(): Promise<void>
}

/** Three nodes in processes of their own, on TCP and LMDB; through `network`, if there is one between them. */
export async function startProcesses(
  config: ProcessSetup['config'],
  network: FaultyNetwork | null = null,
): Promise<Processes> {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-processes-'))
  const places = await Promise.all(
    ['n1', 'n2', 'n3'].map(async (id) => {
      const listen = `127.0.0.1:${await freePort()}`
      return { id, listen, address: (await network?.front(id, listen)) ?? listen }
    }),
  )
  const members = places.map(({ id, address }) => ({ id, address }))
  const nodes = places.map(
    ({ id, listen }) => new NodeProcess({ id, listen, members, dataDir: join(dir, id), config }),
  )
  await Promise.all(nodes.map((node) => node.start()))
  return {
    nodes,
    leader: () => leaderOf(nodes),
    followers: async () => {
      const leader = await leaderOf(nodes)
      return nodes.filter((node) => node !== leader)
    },
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()))
      await network?.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Polls until one node says that it leads and can commit. */
async function leaderOf(nodes: readonly NodeProcess[]): Promise<NodeProcess> {
  for (;;) {
    for (const node of nodes) {
      const { state } = await node.status()
      if (state !== 'leader') continue
      try {
        await node.call({ kind: 'apply', count: 1, bytes: 8 })
        return node
      } catch {
        // It has lost the leadership meanwhile.
      }
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was bound')
  return address.port
}
