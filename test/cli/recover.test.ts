import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { keyValueStateMachine } from '../../lib/kv/replica.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { memoryNetwork, memoryTransport } from '../../lib/transport/memory-transport.js'
import { troupe } from '../helpers/troupe-process.js'

/** The data directory of a node of a key-value store that does not run. */
async function stoppedNode(dataDir: string): Promise<number> {
  await using node = await RaftNode.start({
    cluster: 'c',
    id: 'n1',
    dataDir,
    transport: memoryTransport(memoryNetwork(), 'n1'),
    stateMachine: keyValueStateMachine(),
    bootstrap: [{ id: 'n1', address: '127.0.0.1:7001' }],
    config: { heartbeatTimeoutMs: 800 },
  })
  await node.waitFor({ state: 'leader' }, { timeoutMs: 20_000 })
  return await node.barrier()
}

t.test('recover says what it would do, does it, and does it once', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-recover-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const [data, peers] = [join(dir, 'n1'), join(dir, 'peers.json')]
  const last = await stoppedNode(data)
  await writeFile(peers, '[{ "id": "n1", "address": "127.0.0.1:7002" }]')
  const recover = (...more: string[]) =>
    troupe(['recover', '--dir', data, '--peers', peers, ...more]).ended
  const plan = await recover('--dry-run')
  t.equal(plan.code, 0)
  t.match(plan.stdout, `node n1 of cluster c, last entry ${last} of term`)
  t.match(plan.stdout, /before +n1 +voter +127.0.0.1:7001\nafter +n1 +voter +127.0.0.1:7002/)
  t.match(plan.stderr, /dry run: nothing was changed/)
  const done = await recover('--json')
  t.match(JSON.parse(done.stdout), { id: 'n1', already: false, lastIndex: last })
  t.match(JSON.parse((await recover('--json')).stdout), { already: true })
})

t.test('recover refuses what it cannot do in one line', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-recover-'))
  t.teardown(() => rm(dir, { recursive: true }))
  const peers = join(dir, 'peers.json')
  const recover = async (text: string) => {
    await writeFile(peers, text)
    return troupe(['recover', '--dir', join(dir, 'n1'), '--peers', peers]).ended
  }
  const wrong = [
    ['null', /RAFT_CONFIG_INVALID: .*peers\.json: need at least one voter/],
    ['["a:1",\n"a:1"\n', /RAFT_CONFIG_INVALID: .*line \d is not JSON/],
    ['["127.0.0.1:7001"]', /RAFT_NOT_BOOTSTRAPPED: .*no initial state/],
  ] as const
  for (const [text, message] of wrong) {
    const { code, stderr } = await recover(text)
    t.not(code, 0, text)
    t.match(stderr, message)
    t.notMatch(stderr, / at .*:\d+:\d+/, 'no stack')
  }
})
