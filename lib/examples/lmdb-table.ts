import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type Database, open, type RootDatabase } from 'lmdb'
import type { Entry, SnapshotCapture, StateMachine, StateMachineContext } from 'troupe'

export type Command = { readonly set: string; readonly to: string } | { readonly delete: string }

/** Rows that a snapshot writes, or a restore loads, at once. */
const ROWS_AT_ONCE = 1000

type Rows = Database<string, string>
type Line = { readonly lastApplied: number } | readonly [key: string, value: string]

/**
 * A table that lives on disk and not in memory. Each run of entries is one transaction, flushed when it
 * returns, and the index of its last entry is in the same transaction: after a crash the table holds
 * exactly what `lastApplied` says, so the node neither restores a snapshot at start nor applies an entry twice.
 */
export class LmdbTable implements StateMachine<Command, string | null> {
  readonly #root: RootDatabase
  /** One is the table; a restore fills the other and then changes over. */
  readonly #tables: readonly [Rows, Rows]
  readonly #facts: Database<number, string>

  constructor(directory: string) {
    // Commit and flush are one step: what `applyBatch` has returned for is on disk.
    this.#root = open({ path: join(directory, 'table'), overlappingSync: false, maxDbs: 3 })
    this.#tables = [this.#root.openDB({ name: 'rows-0' }), this.#root.openDB({ name: 'rows-1' })]
    this.#facts = this.#root.openDB({ name: 'facts' })
  }

  apply(entry: Entry<Command>): string | null {
    return this.applyBatch([entry])[0] ?? null
  }

  /** One result an entry: the value that was there before. */
  applyBatch(entries: readonly Entry<Command>[]): readonly (string | null)[] {
    const last = entries.at(-1)
    if (last === undefined) return []
    return this.#root.transactionSync(() => {
      const results = entries.map(({ command }) => this.#change(command))
      this.#facts.putSync('lastApplied', last.index)
      return results
    })
  }

  #change(command: Command): string | null {
    const key = 'set' in command ? command.set : command.delete
    const before = this.#rows.get(key) ?? null
    if ('set' in command) this.#rows.putSync(key, command.to)
    else this.#rows.removeSync(key)
    return before
  }

  lastApplied(): number {
    return this.#facts.get('lastApplied') ?? 0
  }

  readonly queries = {
    get: (key: string): string | null => this.#rows.get(key) ?? null,
    count: (): number => this.#rows.getCount(),
  }

  /** A read transaction is the capture: it sees the table as it is now, however long persisting takes. */
  snapshot(): SnapshotCapture {
    const lastApplied = this.lastApplied()
    const transaction = this.#rows.useReadTransaction()
    const rows = this.#rows.getRange({ transaction })
    return {
      async persist(sink) {
        let lines: Line[] = [{ lastApplied }]
        for (const { key, value } of rows) {
          if (lines.length === ROWS_AT_ONCE) await sink.write(encode(lines))
          if (lines.length === ROWS_AT_ONCE) lines = []
          lines.push([key, value])
        }
        await sink.write(encode(lines))
      },
      release: () => transaction.done(),
    }
  }

  /** The table stays as it is until the new one is complete. */
  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    const next = this.#current === 0 ? 1 : 0
    const rows = this.#tables[next]
    rows.clearSync()
    let lastApplied = 0
    let loaded: (readonly [string, string])[] = []
    const load = (): void => {
      this.#root.transactionSync(() => {
        for (const [key, value] of loaded) rows.putSync(key, value)
      })
      loaded = []
    }
    for await (const text of createInterface({ input: Readable.from(source) })) {
      const line = JSON.parse(text) as Line
      if ('lastApplied' in line) lastApplied = line.lastApplied
      else if (loaded.push(line) === ROWS_AT_ONCE) load()
    }
    load()
    this.#root.transactionSync(() => {
      this.#rows.clearSync()
      this.#facts.putSync('lastApplied', lastApplied)
      this.#facts.putSync('table', next)
    })
  }

  async close(): Promise<void> {
    await this.#root.close()
  }

  get #current(): 0 | 1 {
    return this.#facts.get('table') === 1 ? 1 : 0
  }

  get #rows(): Rows {
    return this.#tables[this.#current]
  }
}

function encode(lines: readonly Line[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

export function createStateMachine(_options: unknown, { dataDir }: StateMachineContext): LmdbTable {
  return new LmdbTable(dataDir)
}
