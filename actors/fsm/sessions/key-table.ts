import type { LogIndex } from '../../../lib/core/types.js'
import type { EntryKey } from '../../../lib/log/entry-identity.js'
import { type Admission, type Place, tableError } from './admission.js'
import { ResultCache, type Slot } from './result-cache.js'

/** What is remembered of an idempotency key, also in a snapshot. */
export interface KeySlot extends Slot {
  readonly request: string
  /** Log time after which the key is forgotten. */
  readonly expiresAt: number
}

/**
 * Idempotency keys in the order in which they were first seen; changed by log entries and by nothing
 * else. A key is never forgotten early: when there are too many, new ones are refused.
 */
export class KeyTable {
  readonly #slots = new Map<string, KeySlot>()
  readonly #cache = new ResultCache()

  get size(): number {
    return this.#slots.size
  }

  admit(identity: EntryKey, { index, term, time }: Place): Admission {
    const { key, request, timeoutMs, maxKeys, maxResultBytes } = identity
    const dropped = this.#sweep(time)
    const cache = this.#cache
    let known = this.#slots.get(key)
    if (known !== undefined && isOver(known, time)) {
      this.#slots.delete(key)
      dropped.push(known)
      known = undefined
    }
    if (known !== undefined) {
      if (known.request === request) return { verdict: 'known', slot: known, cache, dropped }
      return { verdict: 'refused', error: reused(known, index), cache, dropped }
    }
    if (this.#slots.size >= maxKeys) dropped.push(...this.#sweepAll(time))
    if (this.#slots.size >= maxKeys) {
      return { verdict: 'refused', error: full(maxKeys, index), cache, dropped }
    }
    const slot: KeySlot = { index, term, result: null, request, expiresAt: time + timeoutMs }
    this.#slots.set(key, slot)
    return { verdict: 'apply', slot, maxResultBytes, cache, dropped }
  }

  /** In the order in which they were first seen. */
  records(): IterableIterator<[key: string, slot: KeySlot]> {
    return this.#slots.entries()
  }

  /** Records in the order in which `records` gave them. */
  add(key: string, slot: KeySlot): void {
    this.#slots.set(key, slot)
    this.#cache.store(slot, slot.result, Number.POSITIVE_INFINITY)
  }

  /** The oldest that are over. A longer time limit before them keeps some a little longer. */
  #sweep(time: number): KeySlot[] {
    const dropped: KeySlot[] = []
    for (const [key, slot] of this.#slots) {
      if (!isOver(slot, time)) break
      this.#slots.delete(key)
      dropped.push(slot)
    }
    return dropped
  }

  #sweepAll(time: number): KeySlot[] {
    const over = [...this.#slots].filter(([, slot]) => isOver(slot, time))
    for (const [key] of over) this.#slots.delete(key)
    return over.map(([, slot]) => slot)
  }
}

function isOver({ expiresAt }: KeySlot, time: number): boolean {
  return time > expiresAt
}

function reused(known: KeySlot, index: LogIndex) {
  return tableError(
    'RAFT_IDEMPOTENCY_KEY_REUSED',
    `this idempotency key came with another request at index ${known.index}: take a new key for each request`,
    { index, firstIndex: known.index },
  )
}

function full(maxKeys: number, index: LogIndex) {
  return tableError(
    'RAFT_OVERLOADED',
    `${maxKeys} idempotency keys are remembered (maxIdempotencyKeys), and none is old enough to be forgotten`,
    { index, maxKeys },
  )
}
