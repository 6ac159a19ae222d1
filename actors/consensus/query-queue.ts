import type { LogIndex } from '../../lib/core/types.js'
import type { ActorRef } from '../../lib/runtime/actor.js'
import type { WireError } from '../../lib/runtime/wire-error.js'
import type { FsmMessage, FsmReply, QueryItem } from '../fsm/protocol.js'

type Answers = Extract<FsmReply, { kind: 'queried' }>['items']

/** Query messages told and not yet answered; what comes meanwhile is one message (S18). */
const MAX_MESSAGES = 4

/** Queries on their way to the state machine: those that wait for an entry, and those it has in hand. */
export class QueryQueue {
  #waiting: { readonly minIndex: LogIndex; readonly items: readonly QueryItem[] }[] = []
  /** Told and not yet answered, oldest first. */
  #asked: (readonly QueryItem[])[] = []

  /** Something was asked and not answered. */
  get busy(): boolean {
    return this.#asked.length > 0
  }

  add(minIndex: LogIndex, items: readonly QueryItem[]): void {
    this.#waiting.push({ minIndex, items })
  }

  /** Asks what needs no more than the entries up to `fed`, which are before it in the mailbox. */
  ask(fsm: ActorRef<FsmMessage>, fed: LogIndex): void {
    if (this.#waiting.length === 0 || this.#asked.length >= MAX_MESSAGES) return
    const ready = this.#waiting.filter(({ minIndex }) => minIndex <= fed)
    if (ready.length === 0) return
    const items = ready.flatMap((query) => query.items)
    if (!fsm.tell({ kind: 'query', items })) return
    this.#asked.push(items)
    this.#waiting = this.#waiting.filter(({ minIndex }) => minIndex > fed)
  }

  /** Each message is answered by one, in order. */
  answered(): void {
    this.#asked.shift()
  }

  /**
   * The state machine has died. What it had in hand is not asked again: it may be what killed it. Returns
   * the answers to that.
   */
  lost(error: WireError): Answers {
    const items = this.#asked.flat()
    this.#asked = []
    return items.map(({ id }) => ({ id, outcome: { ok: false, error } }))
  }
}
