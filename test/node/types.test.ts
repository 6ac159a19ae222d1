import t from 'tap'
import { inlineStateMachine, stateMachine } from '../../lib/fsm/define.js'
import type { NodeOf } from '../../lib/node/raft-node.js'
import type { Applied, AppliedBatch, CallOptions, QueryAnswer } from '../../lib/node/types.js'
import { type Add, codec, createStateMachine } from './fixtures/counter.js'

/** Compiles only when both are the same type; what is asserted here is asserted by the compiler. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<_ extends true>(): void {}

const url = new URL('./fixtures/counter.js', import.meta.url)
const threaded = stateMachine<typeof import('./fixtures/counter.js')>(
  url,
  { start: 1 },
  { codec: { module: url } },
)
const inline = inlineStateMachine(() => createStateMachine({ start: 0 }), { codec })
const untyped = stateMachine(url)

type Threaded = NodeOf<typeof threaded>
type Inline = NodeOf<typeof inline>
type Untyped = NodeOf<typeof untyped>

t.test('commands, results and queries are inferred from the state machine', async (t) => {
  same<Same<Parameters<Threaded['apply']>[0], Add>>()
  same<Same<Awaited<ReturnType<Threaded['apply']>>, Applied<number>>>()
  same<Same<Awaited<ReturnType<Threaded['applyBatch']>>, AppliedBatch<number>>>()
  same<Same<Parameters<Threaded['query']>[0], 'total' | 'negated'>>()
  same<Same<Awaited<ReturnType<Threaded['query']>>, QueryAnswer<{ readonly total: number }>>>()
  same<Same<Parameters<Inline['apply']>[0], Add>>()
  same<Same<Awaited<ReturnType<Inline['apply']>>['result'], number>>()
  same<Same<Parameters<Untyped['apply']>[0], Uint8Array>>()
  same<Same<Awaited<ReturnType<Threaded['session']>>['apply'], ApplyOf<Add, number>>>()
  t.pass('the compiler agrees')
})

type ApplyOf<Command, Result> = (
  command: Command,
  options?: CallOptions,
) => Promise<Applied<Result>>

t.test('the queries proxy is typed method by method', async (t) => {
  type Queries = ReturnType<Threaded['queries']>
  same<Same<Queries['plus'], (other: number) => Promise<number>>>()
  same<Same<Parameters<Queries['describe']>['length'], 1 | 2>>()
  same<Same<NonNullable<Parameters<Queries['describe']>[0 | 1]>, string>>()
  same<Same<Awaited<ReturnType<Queries['describe']>>, string>>()
  t.pass('the compiler agrees')
})

/** Never runs: these lines must not compile, and do not. */
export function refused(node: Threaded): void {
  // @ts-expect-error a command of another shape
  node.apply({ subtract: 1 })
  // @ts-expect-error a request that the machine does not know
  node.query('average')
  // @ts-expect-error there is no such query
  node.queries().minus(1)
  // @ts-expect-error no such consistency
  node.query('total', { consistency: 'eventual' })
}
