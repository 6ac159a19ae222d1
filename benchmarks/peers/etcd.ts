import { join } from 'node:path'
import { freePorts } from '../cluster/free-ports.js'
import type { Contestant } from './contestant.js'
import { buildPeer } from './go-build.js'
import { argumentsOf, clusterOf } from './hashicorp.js'
import { PeerProcess } from './peer-process.js'

/**
 * etcd, its server in the process that its load comes from. `connections` of its Go client; 0: calls of the
 * server's own code, as a program that embeds it may make them.
 */
export function etcd(name: string, connections: number): Contestant {
  let program = ''
  return {
    name,
    prepare: async () => {
      const built = await buildPeer('etcd')
      if (built.ok) program = built.program
      return built.ok ? null : built.reason
    },
    start: async (dir) => {
      const ports = await freePorts(6)
      const members = ports.slice(0, 3).map((port, i) => `n${i + 1}=127.0.0.1:${port}`)
      const nodes = members.map((_, i) => {
        const id = `n${i + 1}`
        const client = `127.0.0.1:${ports[3 + i]}`
        const flags = { id, members: members.join(','), client, dir: join(dir, id), connections }
        return new PeerProcess(program, argumentsOf(flags))
      })
      return await clusterOf(nodes)
    },
    storeLogs: async () => null,
  }
}
