import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../cluster/free-ports.js'
import type { Contestant } from './contestant.js'
import { clusterOf } from './hashicorp.js'
import { PeerProcess } from './peer-process.js'

/** The one library for Node.js that could be installed, replicates and flushes; see README.md. */
export const antietcd: Contestant = {
  name: 'antietcd',
  prepare: async () => {
    try {
      createRequire(import.meta.url).resolve('antietcd')
      return null
    } catch {
      return 'it is not installed: npm install --no-save antietcd'
    }
  },
  start: async (dir) => {
    const members = (await freePorts(3)).map((port, i) => `n${i + 1}=http://127.0.0.1:${port}`)
    const program = fileURLToPath(new URL('./antietcd-program.js', import.meta.url))
    const nodes = members.map((_, i) => {
      const id = `n${i + 1}`
      return new PeerProcess(process.execPath, [program, id, members.join(','), join(dir, id)])
    })
    return await clusterOf(nodes)
  },
  storeLogs: async () => null,
}
