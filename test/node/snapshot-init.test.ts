import t from 'tap'
import { snapshotInit } from '../../lib/node/actor-inits.js'
import type { AssemblyOptions } from '../../lib/node/assembled.js'
import { resolveConfig } from '../../lib/node/resolve-config.js'

function initWith(snapshot: 'inline' | 'thread', compressSnapshots?: boolean) {
  const config = resolveConfig(compressSnapshots === undefined ? {} : { compressSnapshots })
  const options = { id: 'n1', dataDir: '', snapshots: {}, config, placement: { snapshot } }
  return snapshotInit(options as unknown as AssemblyOptions)
}

t.test('snapshots are compressed in a pool where the snapshot actor has a thread', async (t) => {
  t.match(initWith('thread'), { compression: 'pool', retain: 2 })
  t.match(initWith('thread', false), { compression: 'off' })
})

t.test('on the caller’s thread, and in the simulator, no pool is made', async (t) => {
  t.match(initWith('inline'), { compression: 'off' })
  t.match(initWith('inline', true), { compression: 'off' })
})
