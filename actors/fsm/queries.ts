import { StateMachineError } from '../../lib/fsm/errors.js'
import type { LoadedMachine } from '../../lib/fsm/load.js'
import { type Steps, step } from '../../lib/runtime/steps.js'
import { toWireError } from '../../lib/runtime/wire-error.js'
import type { Courier } from './courier.js'
import type { Outcome, QueryItem } from './protocol.js'

export interface QueryAnswer {
  readonly id: number
  readonly outcome: Outcome
}

/** Answers reads one after the other. Whatever a read throws is its own outcome and harms nothing else. */
export function* answerQueries(
  machine: LoadedMachine,
  items: readonly QueryItem[],
  courier: Courier,
): Steps<readonly QueryAnswer[]> {
  const answers: QueryAnswer[] = []
  for (const item of items) {
    answers.push({ id: item.id, outcome: yield* answer(machine, item, courier) })
  }
  return answers
}

function* answer(machine: LoadedMachine, item: QueryItem, courier: Courier): Steps<Outcome> {
  try {
    const packed = courier.pack(yield* step(call(machine, item)))
    if (packed.ok) return packed
    throw new StateMachineError(
      'RAFT_RESULT_LOST',
      `the answer of ${nameOf(item)} cannot be sent to the caller's thread (${packed.error.message}): return plain data`,
      { cause: packed.error },
    )
  } catch (error) {
    return { ok: false, error: toWireError(error) }
  }
}

function call(machine: LoadedMachine, item: QueryItem): unknown {
  if (item.method === undefined) {
    if (machine.query !== undefined) return machine.query(item.request)
    throw unknownQuery(item, 'it has no method `query`')
  }
  const queries = machine.queries as Readonly<Record<string, unknown>> | undefined
  if (queries === undefined) throw unknownQuery(item, 'it has no object `queries`')
  // The name comes from a caller: what every object inherits is not the machine's to offer.
  const method = item.method in Object.prototype ? undefined : queries[item.method]
  if (typeof method !== 'function' || !Array.isArray(item.request)) {
    throw unknownQuery(item, `its \`queries\` has no method ${JSON.stringify(item.method)}`)
  }
  return Reflect.apply(method, queries, item.request)
}

function unknownQuery(item: QueryItem, why: string): StateMachineError {
  return new StateMachineError(
    'RAFT_UNKNOWN_QUERY',
    `the state machine cannot answer ${nameOf(item)}: ${why}`,
    { details: { method: item.method ?? null } },
  )
}

function nameOf(item: QueryItem): string {
  return item.method === undefined ? 'query' : `queries.${item.method}`
}
