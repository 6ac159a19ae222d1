import type { Command } from '../../lib/examples/lmdb-table.js'
import type { Entry, StateMachine, StateMachineContext } from '../../lib/index.js'

export interface TableOptions {
  readonly fsm: 'memory' | 'lmdb'
  /** False: entries come one by one, whatever the machine could take. */
  readonly batched: boolean
}

/** The same machine without its `applyBatch`. */
function oneByOne(
  machine: StateMachine<Command, string | null>,
): StateMachine<Command, string | null> {
  return {
    apply: (entry: Entry<Command>) => machine.apply(entry),
    snapshot: () => machine.snapshot(),
    restore: (source: AsyncIterable<Uint8Array>) => machine.restore(source),
    ...(machine.lastApplied && { lastApplied: () => machine.lastApplied?.() ?? 0 }),
    close: () => machine.close?.(),
  }
}

/** One of the example tables, with or without its `applyBatch`. */
export async function createStateMachine(
  { fsm, batched }: TableOptions,
  context: StateMachineContext,
): Promise<StateMachine<Command, string | null>> {
  const machine =
    fsm === 'lmdb'
      ? (await import('../../lib/examples/lmdb-table.js')).createStateMachine({}, context)
      : (await import('../../lib/examples/memory-table.js')).createStateMachine()
  return batched ? machine : oneByOne(machine)
}
