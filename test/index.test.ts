import { createRequire } from 'node:module'
import t from 'tap'
import * as troupe from '../lib/index.js'

t.test('the package exports what its documentation names', async (t) => {
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
  ] as const
  for (const name of names) t.type(troupe[name], 'function', name)
})

t.test('an embedder loads neither fastify nor prom-client', async (t) => {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  t.notOk(loaded.some((path) => /node_modules\/(fastify|prom-client)\//.test(path)))
})
