import { json } from 'node:stream/consumers'
import type { Entry, SnapshotCapture, StateMachine } from 'troupe'
import type { Command } from './lmdb-table.js'

/** The table of lmdb-table.ts in memory: restored from a snapshot and the log at every start. */
export class MemoryTable implements StateMachine<Command, string | null> {
  #rows = new Map<string, string>()

  apply({ command }: Entry<Command>): string | null {
    const key = 'set' in command ? command.set : command.delete
    const before = this.#rows.get(key) ?? null
    if ('set' in command) this.#rows.set(key, command.to)
    else this.#rows.delete(key)
    return before
  }

  /** A run costs one call instead of one for each entry. */
  applyBatch(entries: readonly Entry<Command>[]): readonly (string | null)[] {
    return entries.map((entry) => this.apply(entry))
  }

  readonly queries = {
    get: (key: string): string | null => this.#rows.get(key) ?? null,
    count: (): number => this.#rows.size,
  }

  snapshot(): SnapshotCapture {
    const state = Buffer.from(JSON.stringify([...this.#rows]))
    return { persist: (sink) => sink.write(state) }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#rows = new Map((await json(source)) as [string, string][])
  }
}

export function createStateMachine(): MemoryTable {
  return new MemoryTable()
}
