import type { Entry, StateMachine } from '../../lib/fsm/index.js'
import { type StallWord, takeStall } from './stall-word.js'

/** Counts entries and bytes: the cheapest apply, so that the log is what is measured. */
export function createStateMachine({ stallMs }: StallWord): StateMachine<Uint8Array, undefined> {
  let entries = 0
  let bytes = 0
  const take = (entry: Entry): undefined => {
    entries += 1
    bytes += entry.command.length
    return undefined
  }
  return {
    apply: (entry) => {
      takeStall(stallMs)
      return take(entry)
    },
    applyBatch: (batch) => {
      takeStall(stallMs)
      return batch.map(take)
    },
    query: () => ({ entries, bytes }),
    snapshot: () => {
      const state = new TextEncoder().encode(JSON.stringify({ entries, bytes }))
      return { persist: (sink) => sink.write(state) }
    },
    restore: async (source) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of source) chunks.push(chunk)
      const state: unknown = JSON.parse(Buffer.concat(chunks).toString())
      ;({ entries, bytes } = state as { entries: number; bytes: number })
    },
  }
}
