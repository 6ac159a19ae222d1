import t from 'tap'
import { jsonCodec } from '../../lib/fsm/codecs.js'
import { inlineStateMachine, stateMachine } from '../../lib/fsm/define.js'
import type { StateMachineSpec, StateMachineTypes } from '../../lib/fsm/spec.js'
import type { Entry } from '../../lib/fsm/state-machine.js'
import { type Add, Counter } from '../fixtures/machines/counter.js'
import { List, type ListItem, type ListRequest } from '../fixtures/machines/list.js'

type Counting = typeof import('../fixtures/machines/counter.js')
type Listing = typeof import('../fixtures/machines/list.js')
type Throwing = typeof import('../fixtures/machines/throwing.js')

const url = new URL('../fixtures/machines/counter.js', import.meta.url)

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_same: Same<A, B>): void => {}

type Types<Spec> = Spec extends StateMachineSpec<infer T extends StateMachineTypes> ? T : never

t.test('a module gives its command, result and query types', async (t) => {
  const counter = stateMachine<Counting>(url, { start: 1 }, { codec: jsonCodec<Add>() })
  type T = Types<typeof counter>
  same<T['command'], Add>(true)
  same<T['result'], number>(true)
  same<T['request'], never>(true)
  same<ReturnType<T['queries']['total']>, number>(true)
  const list = stateMachine<Listing>(url)
  type L = Types<typeof list>
  same<L['command'], Uint8Array>(true)
  same<L['request'], ListRequest>(true)
  same<L['answer'], number | readonly ListItem[]>(true)
  t.strictSame(counter.codec, { kind: 'json' })
})

t.test('an inline machine gives the same types', async (t) => {
  const counter = inlineStateMachine(() => new Counter(), { codec: jsonCodec<Add>() })
  same<Types<typeof counter>['command'], Add>(true)
  const list = inlineStateMachine(async () => new List())
  same<Types<typeof list>['command'], Uint8Array>(true)
  t.equal(list.module, null)
})

t.test('a machine that takes only a part of an entry keeps its command type', async (t) => {
  const frugal = inlineStateMachine(() => ({
    apply: (entry: Pick<Entry<Uint8Array>, 'index' | 'command'>) => entry.index,
    snapshot: () => ({ persist() {} }),
    restore() {},
  }))
  same<Types<typeof frugal>['command'], Uint8Array>(true)
  same<Types<typeof frugal>['result'], number>(true)
  t.equal(frugal.codec.kind, 'bytes')
})

t.test('what a state machine needs is demanded by the compiler', async (t) => {
  const uses = () => {
    // @ts-expect-error: commands that are no bytes need a codec
    stateMachine<Counting>(url, { start: 1 })
    // @ts-expect-error: a codec of other commands
    stateMachine<Counting>(url, { start: 1 }, { codec: jsonCodec<string>() })
    // @ts-expect-error: this machine has options that it cannot do without
    stateMachine<Throwing>(url)
    // @ts-expect-error: options of another type
    stateMachine<Throwing>(url, { failAt: 'seven' })
    // @ts-expect-error: commands that are no bytes need a codec
    inlineStateMachine(() => new Counter())
  }
  t.type(uses, 'function')
})

t.test('a spec of its own fits where any spec is taken', async (t) => {
  const specs: StateMachineSpec[] = [
    stateMachine<Counting>(url, {}, { codec: jsonCodec<Add>() }),
    stateMachine(url),
    inlineStateMachine(() => new List()),
  ]
  t.equal(specs.length, 3)
})

t.test('a spec on a thread crosses to it', async (t) => {
  const spec = stateMachine<Counting>(
    url.href,
    { start: 2 },
    {
      codec: jsonCodec<Add>(),
      preload: ['loader', url],
      execArgv: ['--trace-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    },
  )
  t.strictSame(structuredClone(spec), spec)
  t.strictSame(spec.preload, ['loader', url.href])
  t.equal(spec.entryData, 'owned')
})

t.test('options that cannot cross are refused where they are given', async (t) => {
  const options = { start: 1, log: () => {} }
  const make = () => stateMachine<Counting>(url, options, { codec: jsonCodec<Add>() })
  t.throws(make, { code: 'RAFT_CONFIG_INVALID', message: /inlineStateMachine/ })
})

t.test('a relative path is no URL, and the error shows how to make one', async (t) => {
  t.throws(() => stateMachine('./counter.js'), {
    code: 'RAFT_CONFIG_INVALID',
    message: /import\.meta\.url/,
  })
})
