/** Programs of users, as they would write them in a project of their own. */

const counter = `
import { CommandError, type Entry, type SnapshotSink } from 'troupe/state-machine'

export interface Add { readonly add: number }

export function createStateMachine(options: { readonly start: number }) {
  let total = options.start
  return {
    apply({ command }: Entry<Add>): number {
      if (command.add < 0) throw new CommandError('NEGATIVE', 'cannot add less than nothing')
      total += command.add
      return total
    },
    queries: { total: () => total },
    snapshot() {
      const bytes = new TextEncoder().encode(String(total))
      return { persist: (sink: SnapshotSink) => sink.write(bytes) }
    },
    async restore(source: AsyncIterable<Uint8Array>) {
      let text = ''
      for await (const part of source) text += Buffer.from(part).toString()
      total = Number(text)
    },
  }
}
`

const main = `
import { isRaftError, jsonCodec, lmdbStore, RaftNode, stateMachine, tcpTransport } from 'troupe'
import type { Add } from './counter.js'

const node = await RaftNode.start({
  cluster: 'consumer',
  id: 'n1',
  dataDir: './data',
  transport: tcpTransport({ listen: '127.0.0.1:0' }),
  store: lmdbStore(),
  stateMachine: stateMachine<typeof import('./counter.js')>(
    new URL('./counter.js', import.meta.url),
    { start: 40 },
    { codec: jsonCodec<Add>() },
  ),
  bootstrap: [{ id: 'n1', address: '127.0.0.1:1' }],
  config: { heartbeatTimeoutMs: 100 },
})
await node.waitFor({ leader: true })
const { result } = await node.apply({ add: 2 })
const total: number = await node.queries().total()
const code = await node.apply({ add: -1 }).catch((error) => isRaftError(error) && error.code)
// @ts-expect-error: a command of another shape
const wrong = () => node.apply({ subtract: 1 })
const threads = node.stats().actors.length
await node.close()
console.log(JSON.stringify({ result: result satisfies number, total, code, threads, wrong: typeof wrong }))
`

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    outDir: 'out',
    types: ['node'],
  },
  include: ['*.ts'],
}

const testing = `
import { inlineStateMachine } from 'troupe'
import { startTestCluster } from 'troupe/testing'
import type { Store } from 'troupe/store'
import type { Behavior } from 'troupe/actor'

export type Mine = [Store, Behavior]

await using cluster = await startTestCluster({
  stateMachine: () =>
    inlineStateMachine(() => ({
      apply: ({ index }: { readonly index: number }) => index,
      snapshot: () => ({ persist() {} }),
      restore() {},
    })),
})
const leader = await cluster.leader()
const { index, result } = await leader.apply(new Uint8Array(3))
console.log(JSON.stringify({ nodes: cluster.nodes.length, same: index === result }))
`

export const typeScriptProject: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify(tsconfig),
  'counter.ts': counter,
  'main.ts': main,
  'testing.ts': testing,
}

export const javaScriptProject: Readonly<Record<string, string>> = {
  'plain.mjs': `
import { inlineStateMachine, RaftNode, tcpTransport } from 'troupe'

let last = ''
const node = await RaftNode.start({
  cluster: 'consumer',
  id: 'n1',
  dataDir: './data',
  transport: tcpTransport({ listen: '127.0.0.1:0' }),
  stateMachine: inlineStateMachine(() => ({
    apply: ({ command }) => (last = Buffer.from(command).toString()),
    snapshot: () => ({ persist: (sink) => sink.write(Buffer.from(last)) }),
    restore() {},
  })),
  bootstrap: [{ id: 'n1', address: '127.0.0.1:1' }],
  config: { heartbeatTimeoutMs: 100 },
})
const { result } = await node.apply(Buffer.from('hello'), { forward: true })
console.log(result, node.state)
await node.close()
`,
  'required.cjs': `
const { RaftNode, isRaftError, jsonCodec } = require('troupe')
const { startTestCluster } = require('troupe/testing')
const { version } = require('troupe/package.json')
console.log(typeof RaftNode.start, typeof startTestCluster, typeof jsonCodec, isRaftError({}), version)
`,
  'entries.mjs': `
const entries = ['troupe', 'troupe/state-machine', 'troupe/store', 'troupe/testing', 'troupe/sim', 'troupe/actor', 'troupe/prometheus']
for (const entry of entries) console.log(entry, Object.keys(await import(entry)).length > 0)
console.log(await import('troupe/service').catch((error) => error.code))
console.log(await import('troupe/lib/node/raft-node.js').catch((error) => error.code))
`,
}
