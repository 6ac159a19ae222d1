import { createRequire } from 'node:module'
import t from 'tap'
import * as troupe from '../lib/index.js'

t.test('the package exports what its documentation names', async (t) => {
  const exported = new Map<string, unknown>(Object.entries(troupe))
  const names = [
    'RaftNode',
    'stateMachine',
    'inlineStateMachine',
    'lmdbStore',
    'walStore',
    'memoryStore',
    'tcpTransport',
    'memoryTransport',
    'memoryNetwork',
    'jsonCodec',
    'CommandError',
    'isRaftError',
  ]
  for (const name of names) t.type(exported.get(name), 'function', name)
})

t.test('an embedder loads neither fastify nor prom-client', async (t) => {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  t.notOk(loaded.some((path) => /node_modules\/(fastify|prom-client)\//.test(path)))
})
