import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { jsonCodec } from '../../lib/fsm/codecs.js'
import { inlineStateMachine, stateMachine } from '../../lib/fsm/define.js'
import { loadStateMachine } from '../../lib/fsm/load.js'
import type { StateMachineSpec } from '../../lib/fsm/spec.js'
import type { StateMachineContext } from '../../lib/fsm/state-machine.js'
import { isPromise } from '../../lib/runtime/promise.js'
import { List } from '../fixtures/machines/list.js'

const context: StateMachineContext = {
  nodeId: 'n1',
  dataDir: '/data',
  logger: { info() {}, warn() {}, error() {} },
  signal: new AbortController().signal,
}

const fixture = (name: string): URL => new URL(`../fixtures/machines/${name}.js`, import.meta.url)
const load = async (spec: StateMachineSpec) => loadStateMachine(spec, context)

t.test('a module is made with its options', async (t) => {
  type Counting = typeof import('../fixtures/machines/counter.js')
  const spec = stateMachine<Counting>(fixture('counter'), { start: 7 }, { codec: jsonCodec() })
  const { machine, codec } = await load(spec)
  t.strictSame(codec.decode(Buffer.from('{"add":1}')), { add: 1 })
  t.match(machine, { total: 7 })
})

t.test('an inline machine is made at once, with the context', async (t) => {
  let given: StateMachineContext | null = null
  const spec = inlineStateMachine((made) => {
    given = made
    return new List()
  })
  const loaded = loadStateMachine(spec, context)
  t.notOk(isPromise(loaded), 'the simulator needs no promise here')
  t.equal(given, context)
})

t.test('an inline machine may be made by a promise', async (t) => {
  const { machine } = await load(inlineStateMachine(async () => new List()))
  t.type(machine, List)
})

t.test('preloaded modules come first', async (t) => {
  await t.rejects(load(stateMachine(fixture('needs-preload'))), {
    code: 'RAFT_STATE_MACHINE_FAILED',
    message: /was not imported first/,
  })
  const preload = [fixture('preloaded')]
  const { machine } = await load(stateMachine(fixture('needs-preload'), null, { preload }))
  t.type(machine.apply, 'function')
})

t.test('a module that is not there says what to do', async (t) => {
  await t.rejects(load(stateMachine(fixture('missing'))), {
    code: 'RAFT_MODULE_LOAD',
    message: /missing\.js could not be loaded.*Build it first.*inlineStateMachine.*preload/s,
  })
})

t.test('a module that Node cannot read says what to do', async (t) => {
  const path = join(t.testdir({}), 'machine.tsx')
  await writeFile(path, 'export const x: number = 1')
  await t.rejects(load(stateMachine(pathToFileURL(path))), { code: 'RAFT_MODULE_LOAD' })
})

t.test('a preloaded module that is missing is named', async (t) => {
  const spec = stateMachine(fixture('list'), null, { preload: ['no-such-loader'] })
  await t.rejects(load(spec), { code: 'RAFT_MODULE_LOAD', message: /no-such-loader/ })
})

t.test('a module without createStateMachine is told by its exports', async (t) => {
  await t.rejects(load(stateMachine(fixture('not-a-machine'))), {
    code: 'RAFT_MODULE_LOAD',
    message: /createStateMachine.*exports unrelated/,
  })
})

t.test('an object that lacks a method is refused by name', async (t) => {
  const half = { apply() {}, snapshot: () => ({ persist() {} }) }
  await t.rejects(load(inlineStateMachine(() => half as never)), {
    code: 'RAFT_MODULE_LOAD',
    message: /without the method restore/,
  })
})

t.test('a machine that fails to be made keeps its cause', async (t) => {
  const cause = new Error('no room')
  const fail = (): never => {
    throw cause
  }
  await t.rejects(load(inlineStateMachine(fail)), { code: 'RAFT_STATE_MACHINE_FAILED', cause })
})
