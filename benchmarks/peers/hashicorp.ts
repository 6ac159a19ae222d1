import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../cluster/free-ports.js'
import type { Contestant } from './contestant.js'
import { buildPeer } from './go-build.js'
import { PeerProcess } from './peer-process.js'

/** hashicorp/raft with one of its two durable stores. */
export function hashicorp(store: 'boltdb' | 'wal'): Contestant {
  let program = ''
  return {
    name: `hashicorp-${store}`,
    prepare: async () => {
      const built = await buildPeer('hashicorp')
      if (built.ok) program = built.program
      return built.ok ? null : built.reason
    },
    start: async (dir) => {
      const members = (await freePorts(3)).map((port, i) => `n${i + 1}=127.0.0.1:${port}`)
      const nodes = members.map((_, i) => {
        const id = `n${i + 1}`
        const flags = { id, members: members.join(','), dir: join(dir, id), store }
        return new PeerProcess(program, ['node', ...argumentsOf(flags)])
      })
      return await clusterOf(nodes)
    },
    storeLogs: async (dir, seconds) => {
      const flags = { store, dir, size: 256, batch: 64, seconds, operation: 'StoreLogs' }
      const { stdout } = await promisify(execFile)(program, ['store', ...argumentsOf(flags)])
      return (JSON.parse(stdout) as { readonly ops_s: number }).ops_s
    },
  }
}

export function argumentsOf(flags: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
}

/** Waits for a leader. */
export async function clusterOf(nodes: readonly PeerProcess[]) {
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    const leader = await Promise.any(nodes.map((node) => node.leading))
    return { load: leader.load.bind(leader), close }
  } catch (error) {
    await close()
    throw error
  }
}
