import { assert } from './assert.js'
import { membersOf } from './quorum.js'
import type { Configuration, IndexedConfiguration, LogIndex, Server } from './types.js'

const NONE: IndexedConfiguration = { index: 0, configuration: { servers: [] } }

/**
 * The configurations in the log and in the snapshot before it. The newest is in force as soon as it is
 * appended (Raft §6); truncating it brings the one before back (S4).
 */
export class Configurations {
  #history: IndexedConfiguration[]

  constructor(history: readonly IndexedConfiguration[]) {
    this.#history = [...history]
  }

  get latest(): IndexedConfiguration {
    return this.#history.at(-1) ?? NONE
  }

  get all(): readonly IndexedConfiguration[] {
    return this.#history
  }

  /** The newest at or below `index`. */
  at(index: LogIndex): IndexedConfiguration {
    return this.#history.findLast((entry) => entry.index <= index) ?? NONE
  }

  server(id: string): Server | undefined {
    return membersOf(this.latest.configuration).find((server) => server.id === id)
  }

  append(index: LogIndex, configuration: Configuration): void {
    assert(index > this.latest.index, 'configurations are appended in log order', {
      index,
      latest: this.latest.index,
    })
    this.#history.push({ index, configuration })
  }

  /** Returns whether the configuration in force changed. */
  truncate(fromIndex: LogIndex): boolean {
    const kept = this.#history.filter((entry) => entry.index < fromIndex)
    const changed = kept.length < this.#history.length
    this.#history = kept
    return changed
  }

  /** Forgets what a snapshot at `index` covers, but for the one it carries (S13). */
  compact(index: LogIndex): void {
    const base = this.at(index)
    this.#history = this.#history.filter((entry) => entry.index >= base.index)
  }

  reset(base: IndexedConfiguration): void {
    this.#history = base.index === 0 && base.configuration.servers.length === 0 ? [] : [base]
  }
}
