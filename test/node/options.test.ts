import { resolve } from 'node:path'
import t from 'tap'
import { inlineStateMachine } from '../../lib/fsm/define.js'
import type { StateMachine } from '../../lib/fsm/state-machine.js'
import { memoryStore } from '../../lib/log/stores.js'
import { sameServers } from '../../lib/node/bootstrap-list.js'
import { isRaftError } from '../../lib/node/errors.js'
import { type RaftNodeOptions, resolveOptions } from '../../lib/node/options.js'
import { tcpTransport } from '../../lib/transport/transports.js'

const machine: StateMachine = { apply() {}, snapshot: () => ({ persist() {} }), restore() {} }

const given: RaftNodeOptions = {
  cluster: 'orders',
  id: 'n1',
  dataDir: 'data/n1',
  transport: tcpTransport({ listen: '127.0.0.1:7701' }),
  stateMachine: inlineStateMachine(() => machine),
}

function refusal(part: object): string {
  try {
    resolveOptions({ ...given, ...part } as RaftNodeOptions)
  } catch (error) {
    if (isRaftError(error, 'RAFT_CONFIG_INVALID')) return error.message
    throw error
  }
  throw new Error('expected a refusal')
}

t.test('what is not given takes its default', async (t) => {
  const options = resolveOptions(given)
  t.equal(options.dataDir, resolve('data/n1'))
  t.match(options.store.module, /lmdb-store/)
  t.match(options.snapshots.module, /file-store/)
  t.equal(options.bootstrap, null)
  t.match(options.placement, { consensus: 'inline', log: 'thread', fsm: 'inline' })
  t.equal(options.config.heartbeatTimeoutMs, 1000)
})

t.test('shared: consensus and the actors with sockets on one thread, no others', async (t) => {
  const shared = { consensus: 'shared', inbound: 'shared', replicators: 'shared' }
  const { placement } = resolveOptions({ ...given, threads: 'shared' })
  t.match(placement, { ...shared, log: 'thread', fsm: 'inline', snapshot: 'thread' })
  const threads = { inbound: 'shared', replicators: 'shared', log: 'caller' } as const
  t.match(resolveOptions({ ...given, threads }).placement, {
    ...shared,
    consensus: 'inline',
    log: 'inline',
  })
})

t.test('a store in memory needs no directory and keeps its snapshots with it', async (t) => {
  const store = memoryStore()
  const first = resolveOptions({ ...given, dataDir: undefined, store })
  const second = resolveOptions({ ...given, dataDir: undefined, store })
  t.equal(first.snapshots, second.snapshots)
  t.not(resolveOptions({ ...given, store: memoryStore() }).snapshots, first.snapshots)
})

t.test('a store of the user is a module', async (t) => {
  const module = new URL('file:///stores/mine.js')
  t.match(resolveOptions({ ...given, store: { module, options: { a: 1 } } }).store, {
    module: 'file:///stores/mine.js',
    options: { a: 1 },
  })
})

t.test('wrong options are named, with what was found', async (t) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ cluster: '' }, /cluster: expected text of 1 to 64 bytes, found 0 bytes/],
    [{ cluster: 'ü'.repeat(33) }, /found 66 bytes/],
    [{ id: undefined }, /id: expected text .* found undefined/],
    [{ dataDir: undefined }, /dataDir: expected the path of a directory/],
    [{ transport: undefined }, /transport: expected what tcpTransport/],
    [{ stateMachine: {} }, /stateMachine: expected what stateMachine/],
    [{ store: 'lmdb' }, /store: expected lmdbStore/],
    [{ threads: 'many' }, /threads: expected dedicated, shared, compact or an object, found many/],
    [{ threads: { disk: 'worker' } }, /threads: there is no actor disk/],
    [{ threads: { log: 'thread' } }, /threads: log is caller or worker, found thread/],
    [{ threads: { fsm: 'shared' } }, /threads: fsm is caller or worker, found shared/],
    [{ threads: { inbound: 'x' } }, /inbound is caller or worker or shared, found x/],
    [{ config: { heartbeat: 5 } }, /config.heartbeat: there is no such field/],
    [{ datadir: 'x' }, /datadir: there is no such option/],
  ]
  for (const [part, message] of cases) t.match(refusal(part), message)
})

t.test('the frame limit of the transport bounds the entries', async (t) => {
  const transport = tcpTransport({ listen: '127.0.0.1:7701', maxPayloadBytes: 1_000_000 })
  t.match(refusal({ transport }), /fits in one frame/)
})

t.test('a bootstrap list has unique ids and addresses, a voter, and this node', async (t) => {
  const list = (...rows: readonly (readonly [string, string, string?])[]) => ({
    bootstrap: rows.map(([id, address, suffrage]) => ({
      id,
      address,
      ...(suffrage && { suffrage }),
    })),
  })
  t.match(refusal(list()), /at least one server must be a voter/)
  t.match(refusal(list(['n1', 'a:1'], ['n1', 'a:2'])), /the id n1 is there twice/)
  t.match(refusal(list(['n1', 'a:1'], ['n2', 'a:1'])), /the address a:1 is there twice/)
  t.match(refusal(list(['n1', 'a:1', 'nonvoter'])), /at least one server must be a voter/)
  t.match(refusal(list(['n2', 'a:1'])), /this node, n1, is not in it: n2/)
  t.match(refusal(list(['n1', 'a:1', 'witness'])), /suffrage of n1 is voter or nonvoter/)
  t.match(refusal(list(['', 'a:1'])), /server 0 has no id/)
  t.match(refusal(list(['n1', ''])), /server n1 has no address/)
  t.match(refusal({ bootstrap: 'n1' }), /expected a list of servers/)
  t.match(
    refusal({ bootstrap: [{ id: 'n1', address: 'a:1', meta: { port: 80 } }] }),
    /meta.port of n1 is text, found 80/,
  )
  const { bootstrap } = resolveOptions({ ...given, ...list(['n1', 'a:1'], ['n2', 'a:2']) } as never)
  t.strictSame(bootstrap?.[0], { id: 'n1', address: 'a:1', suffrage: 'voter' })
})

t.test('bootstrap lists are the same in any order', async (t) => {
  const one = { id: 'n1', address: 'a:1', suffrage: 'voter' } as const
  const two = { id: 'n2', address: 'a:2', suffrage: 'voter' } as const
  t.ok(sameServers([one, two], [two, one]))
  t.ok(sameServers([{ ...one, meta: { a: '1', b: '2' } }], [{ ...one, meta: { b: '2', a: '1' } }]))
  t.notOk(sameServers([one, two], [one]))
  t.notOk(sameServers([one], [{ ...one, suffrage: 'nonvoter' }]))
  t.notOk(sameServers([one], [{ ...one, address: 'a:9' }]))
})
