import type { Entry, StateMachine } from '../../lib/fsm/index.js'
import { readSnapshot, type Stored, writeSnapshot } from '../../lib/kv/kv-snapshot.js'
import { OrderedMap } from '../../lib/kv/ordered-map.js'

/** Bytes of a command that are its key (see cluster/payload.ts). */
const KEY_BYTES = 8

/**
 * A table of a key and a value a command, in the copied-on-write tree of the key-value service: a capture
 * takes no time, and writing it out goes on beside apply.
 */
export function createStateMachine(): StateMachine<Uint8Array, undefined> {
  let rows = new OrderedMap<Stored>()
  const set = ({ index, command }: Entry): undefined => {
    const key = Buffer.from(command.buffer, command.byteOffset, KEY_BYTES).toString('latin1')
    rows.set(key, { value: command, revision: index })
    return undefined
  }
  return {
    apply: set,
    applyBatch: (batch) => batch.map(set),
    query: () => rows.size,
    snapshot: () => {
      const capture = rows.capture()
      return { persist: (sink) => writeSnapshot(capture, sink) }
    },
    restore: async (source) => {
      rows = await readSnapshot(source)
    },
  }
}
