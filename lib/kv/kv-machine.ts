import { assertNever } from '../core/assert.js'
import {
  CommandError,
  type Entry,
  type SnapshotCapture,
  type StateMachine,
  type StateMachineContext,
} from '../fsm/state-machine.js'
import { bytePrefix, keyText } from './keys.js'
import { type DecodedOperation, decodeCommand } from './kv-commands.js'
import type { KvAnswer, KvItem, KvRequest, KvResult } from './kv-queries.js'
import { readSnapshot, type Stored, writeSnapshot } from './kv-snapshot.js'
import { OrderedMap } from './ordered-map.js'

/** Value bytes in one answer to a list; at least one item is always in it. */
const maxListBytes = 8 * 1024 * 1024

/**
 * The replicated key-value store: an ordered map in memory, the whole of it in a snapshot. Commands
 * are bytes as kv-commands.ts lays them out; lists are in the order of the keys' UTF-8 bytes.
 */
export class KeyValueMachine implements StateMachine<Uint8Array, KvResult, KvRequest, KvAnswer> {
  #keys = new OrderedMap<Stored>()

  /**
   * A put answers undefined (its revision is the entry's index), a delete whether the key was there, a
   * batch the same of each of its deletes, and true for its puts.
   */
  apply(entry: Pick<Entry, 'index' | 'command'>): KvResult {
    const { batch, operations } = decodeCommand(entry.command)
    const failed = operations.flatMap((operation, i) => (this.#isMet(operation) ? [] : [i]))
    if (failed.length > 0) throw conditionFailed(failed)
    const results = operations.map((operation) => this.#perform(operation, entry.index))
    if (batch) return results
    return operations[0]?.kind === 'delete' ? results[0] : undefined
  }

  applyBatch(
    entries: readonly Pick<Entry, 'index' | 'command'>[],
  ): readonly (KvResult | CommandError)[] {
    return entries.map((entry) => {
      try {
        return this.apply(entry)
      } catch (error) {
        if (error instanceof CommandError) return error
        throw error
      }
    })
  }

  query(request: KvRequest): KvAnswer {
    switch (request.kind) {
      case 'get':
        return this.#keys.get(bytePrefix(request.key)) ?? null
      case 'list':
        return this.#list(request)
      case 'size':
        return this.#keys.size
      default:
        return assertNever(request)
    }
  }

  snapshot(): SnapshotCapture {
    const capture = this.#keys.capture()
    return { persist: (sink) => writeSnapshot(capture, sink) }
  }

  async restore(source: AsyncIterable<Uint8Array>): Promise<void> {
    // The old state is given up only for a whole new one.
    this.#keys = await readSnapshot(source)
  }

  #isMet(operation: DecodedOperation): boolean {
    if (operation.expected === null) return true
    return (this.#keys.get(operation.key)?.revision ?? 0) === operation.expected
  }

  #perform(operation: DecodedOperation, revision: number): boolean {
    if (operation.kind === 'delete') return this.#keys.delete(operation.key)
    // A copy of its own: a view would keep the whole run of entries around it in memory.
    this.#keys.set(operation.key, { value: new Uint8Array(operation.value), revision })
    return true
  }

  #list(request: KvRequest & { readonly kind: 'list' }): KvAnswer {
    const prefix = bytePrefix(request.prefix)
    const after = request.after === null ? null : bytePrefix(request.after)
    const inclusive = after === null || after < prefix
    const items: KvItem[] = []
    let bytes = 0
    for (const [key, { value, revision }] of this.#keys.from(
      inclusive ? prefix : after,
      inclusive,
    )) {
      if (!key.startsWith(prefix)) break
      const last = items[items.length - 1]
      const full =
        items.length === request.limit || (bytes > 0 && bytes + value.length > maxListBytes)
      if (full) return { items, next: last?.key ?? null }
      if (request.values) bytes += value.length
      items.push({ key: keyText(key), value: request.values ? value : null, revision })
    }
    return { items, next: null }
  }
}

/** What the FSM actor calls: the module is given to `stateMachine(url)`. */
export function createStateMachine(
  _options: undefined,
  _context: StateMachineContext,
): StateMachine<Uint8Array, KvResult, KvRequest, KvAnswer> {
  return new KeyValueMachine()
}

function conditionFailed(failed: readonly number[]): CommandError {
  const which = failed.length === 1 ? `operation ${failed[0]}` : `operations ${failed.join(', ')}`
  return new CommandError('KV_CONDITION_FAILED', `the condition of ${which} does not hold`, {
    failed,
  })
}
