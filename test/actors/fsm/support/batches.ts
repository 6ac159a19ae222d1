import type { Configuration } from '../../../../lib/core/types.js'
import {
  BatchBuilder,
  type BatchRef,
  ENTRY_BARRIER,
  ENTRY_COMMAND,
  ENTRY_CONFIGURATION,
  ENTRY_NOOP,
  encodeBatch,
  sealBatch,
} from '../../../../lib/log/batch.js'
import { encodeConfiguration } from '../../../../lib/log/configuration-codec.js'
import { Arena, PIN_CONSENSUS, PIN_FSM, pin, unpin } from '../../../../lib/log/slab.js'

/** Leader time of the entries at an index: what a replay must show again. */
export const timeOf = (index: number): number => 1_700_000_000_000 + index

const head = (firstIndex: number, term: number) => ({
  firstIndex,
  term,
  prevTerm: term,
  time: timeOf(firstIndex),
})

const bytesOf = (command: string | object): Uint8Array =>
  Buffer.from(typeof command === 'string' ? command : JSON.stringify(command))

/** Commands from an index on: strings as they are, objects as JSON. */
export function commands(
  firstIndex: number,
  list: readonly (string | object)[],
  term = 1,
): BatchRef {
  const entries = list.map((command) => ({ type: ENTRY_COMMAND, data: bytesOf(command) }) as const)
  return encodeBatch(entries, head(firstIndex, term))
}

/** The same in an arena's slab, pinned for the FSM actor alone. */
export function pinnedCommands(firstIndex: number, list: readonly string[]): BatchRef {
  const builder = new BatchBuilder(new Arena({ slabBytes: 64 * 1024, maxIdleSlabs: 1 }))
  for (const command of list) builder.add(ENTRY_COMMAND, bytesOf(command))
  const batch = sealBatch(builder.finish(), head(firstIndex, 1))
  pin(batch, PIN_FSM)
  unpin(batch, PIN_CONSENSUS)
  return batch
}

export function noop(index: number, term: number): BatchRef {
  return encodeBatch([{ type: ENTRY_NOOP, data: new Uint8Array(0) }], head(index, term))
}

export function barrier(index: number, term: number): BatchRef {
  return encodeBatch([{ type: ENTRY_BARRIER, data: new Uint8Array(0) }], head(index, term))
}

export function configurationEntry(index: number, configuration: Configuration): BatchRef {
  const data = encodeConfiguration(configuration)
  return encodeBatch([{ type: ENTRY_CONFIGURATION, data }], head(index, 1))
}

export const lastIndexOf = (batch: BatchRef): number => batch.firstIndex + batch.count - 1
